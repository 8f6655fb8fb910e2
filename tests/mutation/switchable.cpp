// The simulator's harness, and the switch of the mutants, which the Verilog asks at each clock.

#include "harness.cpp"

namespace {
int chosen_mutant = 0;
}

extern "C" {

int zl_mutant() { return chosen_mutant; }

void zl_choose(int mutant) { chosen_mutant = mutant; }
}
