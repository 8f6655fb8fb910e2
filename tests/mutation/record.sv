// What stands at the ports of the top at each rising edge, as rows of binary words in a file; and the
// controller's state where benches look for it, for the netlist is flat.
module \zynq_lstm.accelerator.controller (
    input [2:0] run_state
);
endmodule

module \zynq_lstm.accelerator (
    input [2:0] run_state
);
    \zynq_lstm.accelerator.controller controller (.run_state);
endmodule

module record (
    input aclk,
    input aresetn,
    input s_axi_awvalid,
    input [11:0] s_axi_awaddr,
    input s_axi_awready,
    input s_axi_wvalid,
    input s_axi_wready,
    input [31:0] s_axi_wdata,
    input [3:0] s_axi_wstrb,
    input s_axi_bvalid,
    input s_axi_bready,
    input [1:0] s_axi_bresp,
    input s_axi_arvalid,
    input s_axi_arready,
    input [11:0] s_axi_araddr,
    input s_axi_rvalid,
    input s_axi_rready,
    input [31:0] s_axi_rdata,
    input [1:0] s_axi_rresp,
    input s_axis_tvalid,
    input s_axis_tready,
    input [63:0] s_axis_tdata,
    input [7:0] s_axis_tkeep,
    input s_axis_tlast,
    input m_axis_tvalid,
    input m_axis_tready,
    input [63:0] m_axis_tdata,
    input [7:0] m_axis_tkeep,
    input m_axis_tlast,
    input interrupt
);
    integer file = 0;
    string name;
    initial if ($value$plusargs("record=%s", name)) file = $fopen(name, "wb");
    final if (file != 0) $fclose(file);

    // The order is that of replay.cpp.
    wire [31:0] driven = {11'b0, s_axis_tkeep, s_axi_wstrb, m_axis_tready, s_axis_tlast, s_axis_tvalid,
                          s_axi_rready, s_axi_arvalid, s_axi_bready, s_axi_wvalid, s_axi_awvalid, aresetn};
    wire [31:0] seen = {11'b0, s_axi_wready, s_axi_awready, m_axis_tkeep, interrupt, m_axis_tlast, m_axis_tvalid,
                        s_axis_tready, s_axi_rresp, s_axi_rvalid, s_axi_arready, s_axi_bresp, s_axi_bvalid};

    always @(posedge aclk)
        if (file != 0)
            $fwrite(file, "%u%u%u%u%u%u%u%u%u%u", driven, {20'b0, s_axi_awaddr}, s_axi_wdata,
                    {20'b0, s_axi_araddr}, s_axis_tdata[31:0], s_axis_tdata[63:32],
                    seen, s_axi_rdata, m_axis_tdata[31:0], m_axis_tdata[63:32]);
endmodule

bind zynq_lstm record record (.*);
bind zynq_lstm \zynq_lstm.accelerator accelerator (.run_state(\accelerator.controller.run_state ));
