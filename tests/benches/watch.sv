// The rules of AXI on what the top drives, looked at in every cycle: a bound module costs nothing
// beside what a coroutine would. Each field counts the breaches of one rule.
module watch (
    input aclk,
    input aresetn,
    input m_axis_tvalid,
    input m_axis_tready,
    input [63:0] m_axis_tdata,
    input [7:0] m_axis_tkeep,
    input m_axis_tlast,
    input s_axi_awvalid,
    input s_axi_awready,
    input s_axi_wvalid,
    input s_axi_wready,
    input s_axi_bvalid,
    input s_axi_bready,
    input [1:0] s_axi_bresp,
    input s_axi_arvalid,
    input s_axi_arready,
    input s_axi_rvalid,
    input s_axi_rready,
    input [31:0] s_axi_rdata,
    input [1:0] s_axi_rresp
);
    // A word, or an answer, that waits stays as it is; a soft reset takes a word back. A reset by the
    // pin does too, within some cycles, so that after a very short one it may be later than the pin.
    reg [31:0] words_changed = 0, answers_changed = 0;
    // Bytes lie from the first on without a gap, and only a packet's last word may be partial.
    reg [31:0] gaps = 0;
    // An answer comes to what was asked, once, and is OKAY.
    reg [31:0] unasked = 0;

    reg [7:0] settled = 0;
    reg running = 0, word_waits = 0, b_waits = 0, r_waits = 0;
    reg [73:0] word;
    reg [1:0] b;
    reg [33:0] r;
    reg [31:0] aw_open = 0, w_open = 0, ar_open = 0;
    wire [73:0] word_now = {m_axis_tvalid, m_axis_tdata, m_axis_tkeep, m_axis_tlast};
    wire [33:0] r_now = {s_axi_rdata, s_axi_rresp};
    wire [7:0] keep = m_axis_tkeep;
    wire b_taken = s_axi_bvalid & s_axi_bready, r_taken = s_axi_rvalid & s_axi_rready;

    always @(posedge aclk) begin
        running <= aresetn;
        settled <= aresetn ? {settled[6:0], 1'b1} : 0;
        word_waits <= &settled & aresetn & m_axis_tvalid & ~m_axis_tready;
        b_waits <= running & aresetn & s_axi_bvalid & ~s_axi_bready;
        r_waits <= running & aresetn & s_axi_rvalid & ~s_axi_rready;
        word <= word_now;
        b <= s_axi_bresp;
        r <= r_now;
        if (running & aresetn) begin
            if (word_waits && word != word_now) words_changed <= words_changed + 1;
            if (b_waits && !(s_axi_bvalid && b == s_axi_bresp)) answers_changed <= answers_changed + 1;
            if (r_waits && !(s_axi_rvalid && r == r_now)) answers_changed <= answers_changed + 1;
            if (m_axis_tvalid && (!keep[0] || (keep & (keep + 8'd1)) != 0 || (!m_axis_tlast && keep != 8'hFF)))
                gaps <= gaps + 1;
            aw_open <= aw_open + {31'b0, s_axi_awvalid & s_axi_awready} - {31'b0, b_taken};
            w_open <= w_open + {31'b0, s_axi_wvalid & s_axi_wready} - {31'b0, b_taken};
            ar_open <= ar_open + {31'b0, s_axi_arvalid & s_axi_arready} - {31'b0, r_taken};
            if (s_axi_bvalid && (aw_open == 0 || w_open == 0 || s_axi_bresp != 0)) unasked <= unasked + 1;
            if (s_axi_rvalid && (ar_open == 0 || s_axi_rresp != 0)) unasked <= unasked + 1;
        end else begin
            aw_open <= 0;
            w_open <= 0;
            ar_open <= 0;
        end
    end
endmodule

bind zynq_lstm watch watch (.*);
