// Cells of the 7 series' slices: what a mapped netlist's LUTs, carry chains, flip-flops, shift
// registers and memories in LUTs do, without time. Written from Xilinx' user guide UG474.
//
// Parameters and pins that no netlist of this project uses are not there, so that Verilator refuses
// a netlist that does.

module INV (input I, output O);
  assign O = ~I;
endmodule

module LUT1 #(parameter [1:0] INIT = 0) (input I0, output O);
  assign O = INIT[I0];
endmodule

module LUT2 #(parameter [3:0] INIT = 0) (input I0, I1, output O);
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 #(parameter [7:0] INIT = 0) (input I0, I1, I2, output O);
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 #(parameter [15:0] INIT = 0) (input I0, I1, I2, I3, output O);
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 #(parameter [31:0] INIT = 0) (input I0, I1, I2, I3, I4, output O);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 #(parameter [63:0] INIT = 0) (input I0, I1, I2, I3, I4, I5, output O);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module MUXF7 (input I0, I1, S, output O);
  assign O = S ? I1 : I0;
endmodule

module MUXF8 (input I0, I1, S, output O);
  assign O = S ? I1 : I0;
endmodule

// Of CI and CYINIT at most one is used; the other is 0.
module CARRY4 (input CI, CYINIT, input [3:0] DI, S, output [3:0] CO, O);
  wire carry0 = CI | CYINIT;
  wire carry1 = S[0] ? carry0 : DI[0];
  wire carry2 = S[1] ? carry1 : DI[1];
  wire carry3 = S[2] ? carry2 : DI[2];
  wire carry4 = S[3] ? carry3 : DI[3];
  assign CO = {carry4, carry3, carry2, carry1};
  assign O = S ^ {carry3, carry2, carry1, carry0};
endmodule

module FDRE #(parameter [0:0] INIT = 0) (input C, CE, D, R, output reg Q);
  initial Q = INIT;
  always @(posedge C)
    if (R) Q <= 0;
    else if (CE) Q <= D;
endmodule

module FDSE #(parameter [0:0] INIT = 1) (input C, CE, D, S, output reg Q);
  initial Q = INIT;
  always @(posedge C)
    if (S) Q <= 1;
    else if (CE) Q <= D;
endmodule

module SRL16E #(
  parameter [15:0] INIT = 0, parameter [0:0] IS_CLK_INVERTED = 0
) (
  input CLK, CE, D, A0, A1, A2, A3,
  output Q
);
  if (IS_CLK_INVERTED) $error("SRL16E must shift at the rising edge");

  reg [15:0] bits;
  initial bits = INIT;
  always @(posedge CLK) if (CE) bits <= {bits[14:0], D};
  assign Q = bits[{A3, A2, A1, A0}];
endmodule

module SRLC32E #(
  parameter [31:0] INIT = 0, parameter [0:0] IS_CLK_INVERTED = 0
) (
  input CLK, CE, D, input [4:0] A,
  output Q, Q31
);
  if (IS_CLK_INVERTED) $error("SRLC32E must shift at the rising edge");

  reg [31:0] bits;
  initial bits = INIT;
  always @(posedge CLK) if (CE) bits <= {bits[30:0], D};
  assign Q = bits[A];
  assign Q31 = bits[31];
endmodule

// Four LUTs that hold the same addresses. All are written at ADDRD; each is read at its own address.
module RAM64M #(
  parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0
) (
  input WCLK, WE,
  input [5:0] ADDRA, ADDRB, ADDRC, ADDRD,
  input DIA, DIB, DIC, DID,
  output DOA, DOB, DOC, DOD
);
  reg [63:0] a, b, c, d;
  initial {a, b, c, d} = {INIT_A, INIT_B, INIT_C, INIT_D};
  always @(posedge WCLK)
    if (WE) begin
      a[ADDRD] <= DIA;
      b[ADDRD] <= DIB;
      c[ADDRD] <= DIC;
      d[ADDRD] <= DID;
    end
  assign DOA = a[ADDRA];
  assign DOB = b[ADDRB];
  assign DOC = c[ADDRC];
  assign DOD = d[ADDRD];
endmodule

module RAM32M #(
  parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0
) (
  input WCLK, WE,
  input [4:0] ADDRA, ADDRB, ADDRC, ADDRD,
  input [1:0] DIA, DIB, DIC, DID,
  output [1:0] DOA, DOB, DOC, DOD
);
  reg [63:0] a, b, c, d;
  initial {a, b, c, d} = {INIT_A, INIT_B, INIT_C, INIT_D};
  always @(posedge WCLK)
    if (WE) begin
      a[{ADDRD, 1'b0} +: 2] <= DIA;
      b[{ADDRD, 1'b0} +: 2] <= DIB;
      c[{ADDRD, 1'b0} +: 2] <= DIC;
      d[{ADDRD, 1'b0} +: 2] <= DID;
    end
  assign DOA = a[{ADDRA, 1'b0} +: 2];
  assign DOB = b[{ADDRB, 1'b0} +: 2];
  assign DOC = c[{ADDRC, 1'b0} +: 2];
  assign DOD = d[{ADDRD, 1'b0} +: 2];
endmodule
