// Clocks the Verilated system top, so that Python is not in the loop.
//
// One context is one chip and what stands around it: a master on AXI4-Lite, a source and a sink on
// AXI4-Stream, each with a queue and each served at every clock, whatever makes it clock. So a
// stream goes on while registers are read, as it does beside a processor. Each may pause at random.
//
// Compiled with VM_TRACE it can also write a waveform, in the time of the real clock.

#include <cstdint>
#include <deque>
#include <memory>

#include "Vzynq_lstm.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr uint32_t kAccessCycles = 10000;  // more than any pause and any soft reset
constexpr uint32_t kSettleCycles = 4;      // after a reset
constexpr uint64_t kHalfPeriod = 3500;     // ps, of a waveform: 1 GHz / 7
constexpr int kAllLevels = 99;             // of a waveform; fewer are compiled in

enum Until : uint32_t { kInterrupt = 1, kTaken = 2, kEnded = 4 };

struct Stall {  // pauses with a given chance in 256 a cycle, from an xorshift generator
  uint32_t state = 1;
  uint32_t chance = 0;
  bool pause() {
    if (chance == 0) return false;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (state & 255) < chance;
  }
};

struct Side {  // our valid or ready: once it is up it stays until the other side answers
  bool due = false;
  bool up = false;
  bool drive(Stall& stall) {
    up = due && (up || !stall.pause());
    return up;
  }
  void settle(bool other) {
    if (up && other) due = up = false;
  }
};

struct Word {
  uint64_t data;
  uint16_t flags;  // TKEEP | TLAST << 8
};

struct Chip {
  VerilatedContext context;
  std::unique_ptr<Vzynq_lstm> top;
  uint64_t cycles = 0;
  Stall in, out, registers;
  std::deque<Word> offered, came;
  uint32_t room = 0;  // words that the sink still takes; none after TLAST
  Side source, aw, w, b, ar, r;
  uint32_t r_data = 0;

#if VM_TRACE
  VerilatedVcdC waveform;

  Chip() {
    context.traceEverOn(true);
    top = std::make_unique<Vzynq_lstm>(&context);
    top->trace(&waveform, kAllLevels);
    waveform.set_time_unit("1ps");
    waveform.set_time_resolution("1ps");
  }

  void dump(uint32_t half) {
    if (waveform.isOpen()) waveform.dump((2 * cycles + half) * kHalfPeriod);
  }
#else
  Chip() : top(std::make_unique<Vzynq_lstm>(&context)) {}

  void dump(uint32_t) {}
#endif

  // The port's name is a word that Verilator keeps out of C++.
  bool interrupt() const { return top->__SYM__interrupt; }

  bool met(uint32_t until) const {
    return ((until & kInterrupt) && interrupt()) || ((until & kTaken) && offered.empty()) ||
           ((until & kEnded) && room == 0);
  }

  void clock() {
    source.due = !offered.empty();
    top->s_axis_tvalid = source.drive(in);
    if (source.up) {
      const Word& word = offered.front();
      top->s_axis_tdata = word.data;
      top->s_axis_tkeep = word.flags & 255;
      top->s_axis_tlast = word.flags >> 8;
    }
    top->m_axis_tready = room > 0 && !out.pause();
    top->s_axi_awvalid = aw.drive(registers);
    top->s_axi_wvalid = w.drive(registers);
    top->s_axi_bready = b.drive(registers);
    top->s_axi_arvalid = ar.drive(registers);
    top->s_axi_rready = r.drive(registers);
    top->aclk = 0;
    top->eval();
    dump(0);
    if (source.up && top->s_axis_tready) offered.pop_front();
    source.settle(top->s_axis_tready);
    if (top->m_axis_tvalid && top->m_axis_tready) {
      came.push_back({top->m_axis_tdata, uint16_t(top->m_axis_tkeep | top->m_axis_tlast << 8)});
      room = top->m_axis_tlast ? 0 : room - 1;
    }
    if (r.up && top->s_axi_rvalid) r_data = top->s_axi_rdata;
    aw.settle(top->s_axi_awready);
    w.settle(top->s_axi_wready);
    b.settle(top->s_axi_bvalid);
    ar.settle(top->s_axi_arready);
    r.settle(top->s_axi_rvalid);
    top->aclk = 1;
    top->eval();
    dump(1);
    ++cycles;
  }

  bool answered(const Side& answer) {
    for (uint32_t k = 0; k < kAccessCycles && answer.due; ++k) clock();
    const bool done = !answer.due;
    aw = w = b = ar = r = Side();
    return done;
  }
};

}  // namespace

extern "C" {

Chip* zl_new() { return new Chip(); }
void zl_free(Chip* chip) { delete chip; }

// aresetn low for some cycles; queues are emptied, accesses forgotten.
void zl_reset(Chip* chip, uint32_t cycles) {
  chip->offered.clear();
  chip->came.clear();
  chip->room = 0;
  chip->source = Side();
  chip->top->aresetn = 0;
  for (uint32_t k = 0; k < cycles; ++k) chip->clock();
  chip->top->aresetn = 1;
  for (uint32_t k = 0; k < kSettleCycles; ++k) chip->clock();
}

// Chances in 256 of a pause in a cycle: of the source, of the sink, of each channel of AXI4-Lite.
void zl_stalls(Chip* chip, uint32_t in, uint32_t out, uint32_t registers, uint32_t seed) {
  chip->in.chance = in;
  chip->out.chance = out;
  chip->registers.chance = registers;
  chip->in.state = seed | 1;
  chip->out.state = (seed * 2654435761u) | 1;
  chip->registers.state = (seed * 2246822519u) | 1;
}

// Register accesses; 1 when it was answered, 0 when it was not within a limit.
uint32_t zl_write(Chip* chip, uint32_t address, uint32_t data) {
  chip->top->s_axi_awaddr = address;
  chip->top->s_axi_wdata = data;
  chip->top->s_axi_wstrb = 15;
  chip->aw.due = chip->w.due = chip->b.due = true;
  return chip->answered(chip->b);
}

uint32_t zl_read(Chip* chip, uint32_t address, uint32_t* data) {
  chip->top->s_axi_araddr = address;
  chip->ar.due = chip->r.due = true;
  const bool done = chip->answered(chip->r);
  *data = chip->r_data;
  return done;
}

// Appends words to what is to go in, the last with its TKEEP, and with TLAST if the packet ends.
void zl_offer(Chip* chip, const uint64_t* words, uint32_t count, uint32_t last_keep,
              uint32_t ends) {
  for (uint32_t k = 0; k < count; ++k) {
    const bool is_last = k + 1 == count;
    chip->offered.push_back(
        {words[k], uint16_t(is_last ? last_keep | (ends ? 256 : 0) : 255)});
  }
}

uint32_t zl_offered(Chip* chip) { return chip->offered.size(); }

void zl_withdraw(Chip* chip) {
  chip->offered.clear();
  chip->source = Side();
}

// The sink takes so many words, or fewer if TLAST comes; it has taken none before.
void zl_accept(Chip* chip, uint32_t words) { chip->room = words; }

// Moves out at most so many words that came; returns how many.
uint32_t zl_collect(Chip* chip, uint64_t* data, uint16_t* flags, uint32_t most) {
  uint32_t count = 0;
  for (; count < most && !chip->came.empty(); ++count) {
    data[count] = chip->came.front().data;
    flags[count] = chip->came.front().flags;
    chip->came.pop_front();
  }
  return count;
}

// Clocks until something that `until` names is so, or the cycles have passed; returns how many.
uint64_t zl_clock(Chip* chip, uint64_t cycles, uint32_t until) {
  uint64_t n = 0;
  for (; n < cycles && !chip->met(until); ++n) chip->clock();
  return n;
}

#if VM_TRACE
// A waveform of all that follows, until its end; 1 when the file can be written.
uint32_t zl_trace(Chip* chip, const char* path) {
  chip->waveform.open(path);
  return chip->waveform.isOpen();
}

void zl_trace_end(Chip* chip) { chip->waveform.close(); }
#endif

uint64_t zl_cycles(Chip* chip) { return chip->cycles; }
uint32_t zl_interrupt(Chip* chip) { return chip->interrupt(); }
}
