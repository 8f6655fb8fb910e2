// Plays words to a top with a clock, an input and an output, both wide, and notes what comes out.

#include <cstdint>
#include <cstring>

#include "Vcells.h"
#include "verilated.h"

extern "C" {

Vcells* cells_new() { return new Vcells; }
void cells_free(Vcells* top) { delete top; }

// In each cycle x is there before the clock's edge, and y is read there.
void cells_play(Vcells* top, const uint32_t* x, uint32_t* y, uint32_t cycles) {
  for (uint32_t t = 0; t < cycles; ++t) {
    std::memcpy(&top->x[0], x, sizeof(top->x));
    x += sizeof(top->x) / sizeof(*x);
    top->clk = 0;
    top->eval();
    std::memcpy(y, &top->y[0], sizeof(top->y));
    y += sizeof(top->y) / sizeof(*y);
    top->clk = 1;
    top->eval();
  }
}
}
