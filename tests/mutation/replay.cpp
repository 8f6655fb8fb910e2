// Gives a chip what a recording has at the inputs, and compares what it has at the outputs. Behind the
// simulator's harness, in the same file, with the switch of the faults.

namespace {

struct Row {  // of record.sv
  uint32_t driven, awaddr, wdata, araddr, tdata[2];
  uint32_t seen, rdata, out[2];
};

uint64_t word(const uint32_t* halves) { return halves[0] | uint64_t(halves[1]) << 32; }

void drive(Vzynq_lstm& top, const Row& row) {
  const uint32_t d = row.driven;
  top.aresetn = d & 1;
  top.s_axi_awvalid = d >> 1 & 1;
  top.s_axi_wvalid = d >> 2 & 1;
  top.s_axi_bready = d >> 3 & 1;
  top.s_axi_arvalid = d >> 4 & 1;
  top.s_axi_rready = d >> 5 & 1;
  top.s_axis_tvalid = d >> 6 & 1;
  top.s_axis_tlast = d >> 7 & 1;
  top.m_axis_tready = d >> 8 & 1;
  top.s_axi_wstrb = d >> 9 & 15;
  top.s_axis_tkeep = d >> 13 & 255;
  top.s_axi_awaddr = row.awaddr;
  top.s_axi_wdata = row.wdata;
  top.s_axi_araddr = row.araddr;
  top.s_axis_tdata = word(row.tdata);
}

bool agrees(const Vzynq_lstm& top, const Row& row) {
  uint32_t seen = top.s_axi_bvalid | top.s_axi_bresp << 1 | top.s_axi_arready << 3 |
                  top.s_axi_rvalid << 4 | top.s_axi_rresp << 5 | top.s_axis_tready << 7 |
                  top.m_axis_tvalid << 8 | top.m_axis_tlast << 9 | top.__SYM__interrupt << 10 |
                  top.m_axis_tkeep << 11 | top.s_axi_awready << 19 | top.s_axi_wready << 20;
  uint32_t looked_at = ~0u;  // what belongs to a word counts while there is one
  if (!top.m_axis_tvalid) looked_at &= ~(1u << 9 | 255u << 11);
  if (!top.s_axi_bvalid) looked_at &= ~(3u << 1);
  if (!top.s_axi_rvalid) looked_at &= ~(3u << 5);
  return !((seen ^ row.seen) & looked_at) && (!top.s_axi_rvalid || top.s_axi_rdata == row.rdata) &&
         (!top.m_axis_tvalid || top.m_axis_tdata == word(row.out));
}

}  // namespace

// The first row, of so many, in which an output is another; their number where none is.
extern "C" uint64_t zl_replay(const Row* rows, uint64_t count) {
  VerilatedContext context;
  Vzynq_lstm top(&context);
  for (uint64_t k = 0; k < count; ++k) {
    drive(top, rows[k]);
    top.aclk = 0;
    top.eval();
    if (!agrees(top, rows[k])) return k;
    top.aclk = 1;
    top.eval();
  }
  return count;
}
