// One block memory: a write port and a read port of one clock. Words are zero or come from a file.
module zynq_lstm_ram #(
  parameter DEPTH = 512,
  parameter WIDTH = 64,
  parameter ADDRESS = 9,
  parameter INIT_FILE = ""
) (
  input  wire               clk,
  input  wire               w_en,
  input  wire [ADDRESS-1:0] w_addr,
  input  wire [WIDTH-1:0]   w_data,
  input  wire [ADDRESS-1:0] r_addr,
  output reg  [WIDTH-1:0]   r_data
);
  (* ram_style = "block" *) reg [WIDTH-1:0] words [0:DEPTH-1];
  initial if (INIT_FILE != "") $readmemh(INIT_FILE, words);
  always @(posedge clk) begin
    if (w_en) words[w_addr] <= w_data;
    r_data <= words[r_addr];
  end
endmodule
