// The emitted operators side by side: all see the same word, one of them is looked at.
module operators (
  input  wire        clk,
  input  wire        start,
  input  wire [2:0]  select,
  input  wire [63:0] x,
  output reg  [63:0] y
);
  // Multiplier pairs: pair, h.
  wire [15:0] dsp0, dsp1, lut0, lut1;
  zynq_lstm_dsp_pair dsp (.clk(clk), .pair(x[15:0]), .h(x[23:16]), .p0(dsp0), .p1(dsp1));
  zynq_lstm_lut_pair lut (.clk(clk), .pair(x[15:0]), .h(x[23:16]), .p0(lut0), .p1(lut1));

  // Activations, on the two ports of one table: x.
  wire [10:0] tanh_address, sigmoid_address;
  wire [14:0] tanh_data, sigmoid_data;
  wire [15:0] tanh_y, sigmoid_y;
  zynq_lstm_tanh_table tanh_table (
    .clk(clk), .addr0(tanh_address), .addr1(sigmoid_address), .data0(tanh_data), .data1(sigmoid_data)
  );
  zynq_lstm_tanh tanh (
    .clk(clk), .rst(1'b0), .x(x[15:0]), .addr(tanh_address), .data(tanh_data), .y(tanh_y)
  );
  zynq_lstm_sigmoid sigmoid (
    .clk(clk), .rst(1'b0), .x(x[15:0]), .addr(sigmoid_address), .data(sigmoid_data), .y(sigmoid_y)
  );

  // Exponential: distance, counts.
  wire [20:0] term;
  \zynq_lstm_surprisal_lane.exponential exponential (
    .clk(clk), .distance(x[15:0]), .counts(x[16]), .term(term)
  );

  // Logarithm and the sum with the distance in bits: total, distance.
  wire [15:0] surprisal;
  `CLOSE close (
    .`CLOSE_CLK (clk), .`CLOSE_RST (1'b0), .start(start),
    .total(x[28:0]), .distance(x[44:29]), .surprisal(surprisal)
  );

  // A lane of the requantizer: sum, scale, addend, each in its cycle.
  reg [15:0] scale;
  reg [17:0] addend [0:`ADDEND_AFTER-1];
  integer k;
  always @(posedge clk) begin
    scale <= x[37:22];
    addend[0] <= x[55:38];
    for (k = 1; k < `ADDEND_AFTER; k = k + 1) addend[k] <= addend[k-1];
  end
  wire [18:0] total;
  reg  [18:0] total_q;  // so that it comes with the value
  wire [15:0] value;
  zynq_lstm_requantizer_lane lane (
    .clk(clk), .sum(x[21:0]), .scale(scale), .addend(addend[`ADDEND_AFTER-1]),
    .total(total), .value(value)
  );
  always @(posedge clk) total_q <= total;

  // Noise: random, temperature.
  wire [10:0] noise_address;
  wire [17:0] gumbel;
  wire [20:0] noise_product;
  zynq_lstm_gumbel_table gumbel_table (
    .clk(clk), .addr0(noise_address), .addr1(noise_address), .data0(gumbel), .data1()
  );
  zynq_lstm_noise noise (
    .clk(clk), .random(x[14:0]), .temperature(x[30:15]), .addr(noise_address), .data(gumbel),
    .product(noise_product)
  );

  always @* case (select)
    0: y = {32'b0, dsp1, dsp0};
    1: y = {32'b0, lut1, lut0};
    2: y = {32'b0, sigmoid_y, tanh_y};
    3: y = {43'b0, term};
    4: y = {48'b0, surprisal};
    5: y = {29'b0, total_q, value};
    6: y = {43'b0, noise_product};
    default: y = 0;
  endcase
endmodule
