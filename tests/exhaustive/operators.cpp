// Plays vectors through the Verilated operators: a word in, a word out, each held for some cycles.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "Voperators.h"
#include "verilated.h"

namespace {

struct Operators {
  VerilatedContext context;
  Voperators top{&context};
};

}  // namespace

extern "C" {

void* op_new() { return new Operators; }

void op_free(void* operators) { delete static_cast<Operators*>(operators); }

// y[k] is what the chosen operator shows in the last cycle of x[k], before its clock edge. `start`
// is high in the first cycle of each, where that is not the only one.
void op_play(void* operators, uint32_t select, const uint64_t* x, uint64_t* y, size_t count,
             uint32_t hold) {
  Voperators& top = static_cast<Operators*>(operators)->top;
  top.select = select;
  for (size_t k = 0; k < count; ++k) {
    top.x = x[k];
    for (uint32_t cycle = 0; cycle < hold; ++cycle) {
      top.start = hold > 1 && cycle == 0;
      top.clk = 0;
      top.eval();
      if (cycle + 1 == hold) y[k] = top.y;
      top.clk = 1;
      top.eval();
    }
  }
}
}
