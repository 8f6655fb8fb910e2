// Drives the Verilated accelerator many cycles a call, so that Python is not in the loop.
//
// One context is one chip. zl_run offers input words and takes output words while it clocks, with
// optional random stalls on both streams, until the chip is no longer busy, enough words have come,
// or a number of cycles has passed.

#include <cstdint>
#include <memory>

#include "Vzynq_lstm.h"
#include "verilated.h"

namespace {

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

struct Chip {
  VerilatedContext context;
  std::unique_ptr<Vzynq_lstm> top;
  uint64_t cycles = 0;
  Stall in, out;
  bool offering = false;  // AXI4-Stream: a word once offered stays until it is taken

  Chip() : top(std::make_unique<Vzynq_lstm>(&context)) {}

  void clock() {
    top->aclk = 0;
    top->eval();
    top->aclk = 1;
    top->eval();
    ++cycles;
  }
};

}  // namespace

extern "C" {

Chip* zl_new() { return new Chip(); }
void zl_free(Chip* chip) { delete chip; }

void zl_reset(Chip* chip, uint32_t cycles) {
  chip->top->aresetn = 0;
  chip->top->start = 0;
  chip->top->cancel = 0;
  chip->top->s_axis_tvalid = 0;
  chip->top->m_axis_tready = 0;
  chip->offering = false;
  for (uint32_t k = 0; k < cycles; ++k) chip->clock();
  chip->top->aresetn = 1;
  for (uint32_t k = 0; k < 4; ++k) chip->clock();
}

void zl_start(Chip* chip, uint32_t mode, uint32_t inputs, uint32_t outputs, uint32_t temperature,
              uint64_t seed) {
  chip->top->mode = mode;
  chip->top->inputs = inputs;
  chip->top->outputs = outputs;
  chip->top->temperature = temperature;
  chip->top->seed = seed;
  chip->top->start = 1;
  chip->clock();
  chip->top->start = 0;
}

void zl_cancel(Chip* chip) {
  chip->top->cancel = 1;
  chip->clock();
  chip->top->cancel = 0;
}

void zl_stalls(Chip* chip, uint32_t in_chance, uint32_t out_chance, uint32_t seed) {
  chip->in.chance = in_chance;
  chip->out.chance = out_chance;
  chip->in.state = seed | 1;
  chip->out.state = (seed * 2654435761u) | 1;
}

// Words in: data and, for the last, its TKEEP; the packet ends with them if `ends`. Words out: data
// and TKEEP | TLAST << 8. Returns the number of words that came out.
uint32_t zl_run(Chip* chip, const uint64_t* in, uint32_t in_words, uint32_t last_keep, uint32_t ends,
                uint32_t* in_taken, uint64_t* out, uint16_t* out_flags, uint32_t out_room,
                uint64_t most_cycles) {
  Vzynq_lstm* top = chip->top.get();
  uint32_t next = *in_taken, came = 0;
  uint32_t quiet = 0;  // the output FIFO may pause for a cycle between two words
  for (uint64_t n = 0; n < most_cycles; ++n) {
    const bool have = next < in_words;
    if (!have) chip->offering = false;
    if (have && !chip->offering) chip->offering = !chip->in.pause();
    top->s_axis_tvalid = chip->offering;
    if (have) {
      const bool is_last = next + 1 == in_words;
      top->s_axis_tdata = in[next];
      top->s_axis_tkeep = is_last ? last_keep : 255;
      top->s_axis_tlast = is_last && ends;
    }
    top->m_axis_tready = came < out_room && !chip->out.pause();
    top->aclk = 0;
    top->eval();
    const bool took = top->s_axis_tvalid && top->s_axis_tready;
    if (top->m_axis_tvalid && top->m_axis_tready) {
      out[came] = top->m_axis_tdata;
      out_flags[came] = top->m_axis_tkeep | top->m_axis_tlast << 8;
      ++came;
    }
    top->aclk = 1;
    top->eval();
    ++chip->cycles;
    if (took) {
      ++next;
      chip->offering = false;
    }
    quiet = !top->busy && !top->m_axis_tvalid && next == in_words ? quiet + 1 : 0;
    if (quiet == 8) break;
    if (came == out_room && out_room > 0) break;
  }
  top->s_axis_tvalid = 0;
  top->m_axis_tready = 0;
  *in_taken = next;
  return came;
}

uint64_t zl_cycles(Chip* chip) { return chip->cycles; }

uint32_t zl_read(Chip* chip, uint32_t what) {
  Vzynq_lstm* top = chip->top.get();
  switch (what) {
    case 0: return top->busy;
    case 1: return top->loaded;
    case 2: return top->error;
    case 3: return top->c_cycles;
    case 4: return top->c_steps;
    case 5: return top->c_characters;
    case 6: return top->c_stalls;
    case 7: return top->c_startup;
    case 8: return top->c_saturations;
    default: return 0;
  }
}
}
