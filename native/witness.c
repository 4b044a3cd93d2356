#include "witness.h"

void
witness_pause(Witness* const self)
{
  self->has_last = false;
}

void
witness_begin(Witness* const self)
{
  self->counted_ns = 0u;
  witness_pause(self);
}

static uint64_t
smaller(const uint64_t a, const uint64_t b)
{
  return a < b ? a : b;
}

uint64_t
witness_hear(Witness* const self, const WitnessAnswer answer)
{
  if (self->has_last) {
    // Less CPU time than passed: another thread had the core for a while.
    const uint64_t said_ns = smaller(answer.at_ns - self->last.at_ns, answer.cpu_ns - self->last.cpu_ns);
    self->counted_ns += smaller(said_ns, WITNESS_MOST_NS);
  }
  self->last     = answer;
  self->has_last = true;
  return self->counted_ns;
}
