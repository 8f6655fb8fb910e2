// RAMB36E1 and RAMB18E1, block memories of 36 and 18 Kbit, read first: a read in the cycle of a write
// sees the old word, at either port. Written from Xilinx' user guide UG473.
//
// All ports that are used have one width: 1, 2, 4, 9, 18 or 36, or one port of double the width writes
// and the other one reads (RAM_MODE "SDP"). Neither output registers nor resets. Everything else is
// refused: by an error of Verilator's where a parameter says it, by the end of the simulation where a
// pin does.

// Contents are given in rows of 256 bits: 16 parameters of one digit each.
`define XC7_ROWS(name) \
  parameter [255:0] name``0 = 0, name``1 = 0, name``2 = 0, name``3 = 0, name``4 = 0, name``5 = 0, \
    name``6 = 0, name``7 = 0, name``8 = 0, name``9 = 0, name``A = 0, name``B = 0, name``C = 0, \
    name``D = 0, name``E = 0, name``F = 0
`define XC7_HALF(name) name``7, name``6, name``5, name``4, name``3, name``2, name``1, name``0
`define XC7_WHOLE(name) \
  name``F, name``E, name``D, name``C, name``B, name``A, name``9, name``8, `XC7_HALF(name)

module RAMB36E1 #(
  `XC7_ROWS(INIT_0), `XC7_ROWS(INIT_1), `XC7_ROWS(INIT_2), `XC7_ROWS(INIT_3),
  `XC7_ROWS(INIT_4), `XC7_ROWS(INIT_5), `XC7_ROWS(INIT_6), `XC7_ROWS(INIT_7),
  `XC7_ROWS(INITP_0),
  parameter [35:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
  parameter integer DOA_REG = 0, DOB_REG = 0,
    READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter RAM_MODE = "TDP", RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE",
    WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST"
) (
  input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN,
  input REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
  input [15:0] ADDRARDADDR, ADDRBWRADDR,
  input [31:0] DIADI, DIBDI,
  input [3:0] DIPADIP, DIPBDIP,
  input [3:0] WEA,
  input [7:0] WEBWE,
  output [31:0] DOADO, DOBDO,
  output [3:0] DOPADOP, DOPBDOP
);
  if (RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE")
    $error("RAMB36E1 must not be one of two in a cascade");

  // Bit 15 of an address is for cascades.
  xc7_block_ram #(
    .BYTES(4), .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B),
    .WRITE_WIDTH_A(WRITE_WIDTH_A), .WRITE_WIDTH_B(WRITE_WIDTH_B), .RAM_MODE(RAM_MODE),
    .WRITE_MODE_A(WRITE_MODE_A), .WRITE_MODE_B(WRITE_MODE_B), .REGISTERS(DOA_REG + DOB_REG),
    .DATA({`XC7_WHOLE(INIT_7), `XC7_WHOLE(INIT_6), `XC7_WHOLE(INIT_5), `XC7_WHOLE(INIT_4),
           `XC7_WHOLE(INIT_3), `XC7_WHOLE(INIT_2), `XC7_WHOLE(INIT_1), `XC7_WHOLE(INIT_0)}),
    .PARITY({`XC7_WHOLE(INITP_0)})
  ) memory (
    CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN,
    |{REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB},
    ADDRARDADDR[14:0], ADDRBWRADDR[14:0], WEA, WEBWE,
    DIADI, DIBDI, DIPADIP, DIPBDIP, DOADO, DOBDO, DOPADOP, DOPBDOP
  );
endmodule

module RAMB18E1 #(
  `XC7_ROWS(INIT_0), `XC7_ROWS(INIT_1), `XC7_ROWS(INIT_2), `XC7_ROWS(INIT_3),
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0,
    INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
  parameter [17:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
  parameter integer DOA_REG = 0, DOB_REG = 0,
    READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST"
) (
  input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN,
  input REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
  input [13:0] ADDRARDADDR, ADDRBWRADDR,
  input [15:0] DIADI, DIBDI,
  input [1:0] DIPADIP, DIPBDIP,
  input [1:0] WEA,
  input [3:0] WEBWE,
  output [15:0] DOADO, DOBDO,
  output [1:0] DOPADOP, DOPBDOP
);
  xc7_block_ram #(
    .BYTES(2), .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B),
    .WRITE_WIDTH_A(WRITE_WIDTH_A), .WRITE_WIDTH_B(WRITE_WIDTH_B), .RAM_MODE(RAM_MODE),
    .WRITE_MODE_A(WRITE_MODE_A), .WRITE_MODE_B(WRITE_MODE_B), .REGISTERS(DOA_REG + DOB_REG),
    .DATA({`XC7_WHOLE(INIT_3), `XC7_WHOLE(INIT_2), `XC7_WHOLE(INIT_1), `XC7_WHOLE(INIT_0)}),
    .PARITY({`XC7_HALF(INITP_0)})
  ) memory (
    CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN,
    |{REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB},
    ADDRARDADDR, ADDRBWRADDR, WEA, WEBWE,
    DIADI, DIBDI, DIPADIP, DIPBDIP, DOADO, DOBDO, DOPADOP, DOPBDOP
  );
endmodule

// A memory whose ports are BYTES wide, each with a parity bit, if they have the full width.
module xc7_block_ram #(
  parameter integer BYTES = 4, READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0,
    WRITE_WIDTH_B = 0, REGISTERS = 0,
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "READ_FIRST", WRITE_MODE_B = "READ_FIRST",
  localparam integer BITS = 8192 * BYTES, PLACE = $clog2(BITS),
  parameter [BITS-1:0] DATA = 0,
  parameter [BITS/8-1:0] PARITY = 0
) (
  input clock_a, clock_b, enable_a, enable_b, unused,
  input [PLACE-1:0] address_a, address_b,
  input [BYTES-1:0] write_a,
  input [2*BYTES-1:0] write_b,
  input [8*BYTES-1:0] data_in_a, data_in_b,
  input [BYTES-1:0] parity_in_a, parity_in_b,
  output [8*BYTES-1:0] data_out_a, data_out_b,
  output [BYTES-1:0] parity_out_a, parity_out_b
);
  localparam SDP = RAM_MODE == "SDP";
  localparam integer WIDTH =
    READ_WIDTH_A != 0 ? READ_WIDTH_A : READ_WIDTH_B != 0 ? READ_WIDTH_B :
    WRITE_WIDTH_A != 0 ? WRITE_WIDTH_A : WRITE_WIDTH_B;
  localparam integer LANES = WIDTH < 18 ? 1 : WIDTH / 9;  // that are written or not
  localparam integer LANE = WIDTH < 9 ? WIDTH : 8;  // bits of data in each
  localparam integer STEP = LANES * LANE;  // bits of data from one word to the next
  localparam integer DEPTH = BITS / STEP, UNUSED = $clog2(STEP);

  if (WIDTH != (SDP ? 18 * BYTES : 9 * BYTES) &&
      (SDP || (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18)))
    $error("A block memory must have ports of a width that it has, not of %0d", WIDTH);
  if ((READ_WIDTH_A != 0 && READ_WIDTH_A != WIDTH) || (READ_WIDTH_B != 0 && READ_WIDTH_B != WIDTH) ||
      (WRITE_WIDTH_A != 0 && WRITE_WIDTH_A != WIDTH) ||
      (WRITE_WIDTH_B != 0 && WRITE_WIDTH_B != WIDTH))
    $error("A block memory must have ports of one width");
  if (RAM_MODE != "TDP" && !(SDP && READ_WIDTH_B == 0 && WRITE_WIDTH_A == 0))
    $error("A block memory in SDP mode must read at port A and write at port B");
  if (REGISTERS != 0) $error("A block memory must have no output register");
  if (WRITE_MODE_A != "READ_FIRST" || WRITE_MODE_B != "READ_FIRST")
    $error("A block memory must read first");

  always @(posedge clock_a)
    if (unused) $fatal(1, "%m must have 0 at its resets and at its output registers' enables");

  // Words are data, then parity.
  reg [LANES*(WIDTH < 9 ? LANE : LANE + 1)-1:0] words[0:DEPTH-1];
  wire [PLACE-UNUSED-1:0] word_a = address_a[PLACE-1:UNUSED], word_b = address_b[PLACE-1:UNUSED];
  wire [$bits(words[0])-1:0] in_a, in_b;
  reg [$bits(words[0])-1:0] out_a, out_b;

  initial begin
    for (int n = 0; n < DEPTH; n++) begin
      words[n][STEP-1:0] = DATA[STEP*n+:STEP];
      if (WIDTH >= 9) words[n][$bits(words[0])-1-:LANES] = PARITY[LANES*n+:LANES];
    end
    {out_a, out_b} = 0;
  end

  always @(posedge clock_a)
    if (enable_a) begin
      if (READ_WIDTH_A != 0) out_a <= words[word_a];
      if (WRITE_WIDTH_A != 0)
        for (int k = 0; k < LANES; k++)
          if (write_a[k]) begin
            words[word_a][LANE*k+:LANE] <= in_a[LANE*k+:LANE];
            if (WIDTH >= 9) words[word_a][STEP+k] <= in_a[STEP+k];
          end
    end
  always @(posedge clock_b)
    if (enable_b) begin
      if (READ_WIDTH_B != 0) out_b <= words[word_b];
      if (WRITE_WIDTH_B != 0)
        for (int k = 0; k < LANES; k++)
          if (write_b[k]) begin
            words[word_b][LANE*k+:LANE] <= in_b[LANE*k+:LANE];
            if (WIDTH >= 9) words[word_b][STEP+k] <= in_b[STEP+k];
          end
    end

  if (SDP) begin : simple
    assign in_a = 0;
    assign in_b = {parity_in_b, parity_in_a, data_in_b, data_in_a};
    assign {parity_out_b, parity_out_a, data_out_b, data_out_a} = out_a;
  end else if (WIDTH >= 9) begin : true_with_parity
    assign in_a = {parity_in_a[LANES-1:0], data_in_a[STEP-1:0]};
    assign in_b = {parity_in_b[LANES-1:0], data_in_b[STEP-1:0]};
    assign data_out_a = out_a[STEP-1:0];
    assign data_out_b = out_b[STEP-1:0];
    assign parity_out_a = out_a[STEP+:LANES];
    assign parity_out_b = out_b[STEP+:LANES];
  end else begin : true_without_parity
    assign in_a = data_in_a[STEP-1:0];
    assign in_b = data_in_b[STEP-1:0];
    assign data_out_a = out_a;
    assign data_out_b = out_b;
    assign {parity_out_a, parity_out_b} = 0;
  end
endmodule
