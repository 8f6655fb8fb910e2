// What the sequencer's proof (tests/formal/test_sequencer.py) assumes of the controller, looked at in
// every cycle: a breach ends the simulation, and so the bench.
module assumed (
    input clk,
    input rst,
    input go,
    input start,
    input stop,
    input prologue,
    input waiting,
    input ended,
    input [5:0] last_row
);
    reg running = 0, was_prologue = 0;
    // A character is under way or has come to its end, so that one without a prologue may follow.
    reg followed = 0;
    // The number of output rows has stood for some cycles.
    reg [5:0] rows = 0;
    reg [3:0] stood = 0;

    always @(posedge clk) begin
        running <= 1;
        was_prologue <= prologue;
        rows <= last_row;
        stood <= last_row == rows ? {stood[2:0], 1'b1} : 0;
        if (rst || stop || ended) followed <= 0;
        else if (start) followed <= 1;

        if (!running && go) $fatal(1, "A start in the first cycle after power-on");
        if (start && prologue != was_prologue) $fatal(1, "`prologue` has not stood for a cycle behind `start`");
        if (start && !prologue && !followed) $fatal(1, "A character without prologue follows none");
        if ((start || !waiting) && !(&stood && last_row == rows)) $fatal(1, "The number of output rows changes");
    end
endmodule

bind \zynq_lstm.accelerator.sequencer assumed assumed (
    .clk(sequencer_clk), .rst(sequencer_rst), .go, .start, .stop, .prologue, .waiting, .ended, .last_row
);
