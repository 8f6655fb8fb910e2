// DSP48E1 as a multiplier with a constant to add: P = A * B or C + A * B, signed, with all registers
// or without any of a stage. Written from Xilinx' user guide UG479.
//
// What the slice could do besides is refused: by an error of Verilator's where a parameter says it,
// by the end of the simulation where a pin does.
module DSP48E1 #(
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
    CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1, MREG = 1,
    OPMODEREG = 1, PREG = 1,
  parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT", USE_DPORT = "FALSE", USE_MULT = "MULTIPLY",
    USE_SIMD = "ONE48"
) (
  input CLK,
  input [29:0] A,
  input [17:0] B,
  input [47:0] C,
  input [24:0] D,
  input [29:0] ACIN,
  input [17:0] BCIN,
  input [47:0] PCIN,
  input CARRYIN,
  input [2:0] CARRYINSEL,
  input [3:0] ALUMODE,
  input [4:0] INMODE,
  input [6:0] OPMODE,
  input CEA2, CEB2, CEM, CEP, RSTA, RSTB, RSTM, RSTP,
  output [47:0] P
);
  localparam [6:0] PRODUCT = 7'b000_01_01, PRODUCT_PLUS_C = 7'b011_01_01;  // Z, Y and X

  if (AREG > 1 || BREG > 1 || ACASCREG != AREG || BCASCREG != BREG)
    $error("DSP48E1 must have at most one register at A and at B");
  if (ADREG + ALUMODEREG + CARRYINREG + CARRYINSELREG + CREG + DREG + INMODEREG + OPMODEREG != 0)
    $error("DSP48E1 must have registers at A, B, M and P only");
  if (A_INPUT != "DIRECT" || B_INPUT != "DIRECT")
    $error("DSP48E1 must take A and B from its pins");
  if (USE_DPORT != "FALSE" || USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48")
    $error("DSP48E1 must multiply, without the pre-adder, and add 48 bits");

  wire unused = |{D, ACIN, BCIN, PCIN, CARRYIN, CARRYINSEL, ALUMODE, INMODE};
  always @(posedge CLK)
    if (unused || (OPMODE != PRODUCT && OPMODE != PRODUCT_PLUS_C))
      $fatal(1, "%m must have OPMODE %b or %b and 0 at each pin that is not modelled",
             PRODUCT, PRODUCT_PLUS_C);

  wire signed [24:0] a;
  wire signed [17:0] b;
  wire signed [42:0] product = a * b, m;
  wire [47:0] m_extended = {{5{m[42]}}, m};
  wire [47:0] sum = (OPMODE == PRODUCT_PLUS_C ? C : 48'd0) + m_extended;

  // The multiplier takes the lower 25 bits of A.
  xc7_dsp_register #(25, AREG) register_a (CLK, CEA2, RSTA, A[24:0], a);
  xc7_dsp_register #(18, BREG) register_b (CLK, CEB2, RSTB, B, b);
  xc7_dsp_register #(43, MREG) register_m (CLK, CEM, RSTM, product, m);
  xc7_dsp_register #(48, PREG) register_p (CLK, CEP, RSTP, sum, P);
endmodule

// A register of the slice, or a wire where there is none. It holds 0 at first.
module xc7_dsp_register #(
  parameter integer WIDTH = 1, PRESENT = 1
) (
  input clk, enable, reset,
  input [WIDTH-1:0] d,
  output [WIDTH-1:0] q
);
  if (PRESENT != 0) begin : present
    reg [WIDTH-1:0] state = 0;
    always @(posedge clk)
      if (reset) state <= 0;
      else if (enable) state <= d;
    assign q = state;
  end else begin : absent
    assign q = d;
  end
endmodule
