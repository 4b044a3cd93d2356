/// Whether a thread had its core.
#include "../witness.h"
#include "check.h"

#define MS 1000000u
#define US 1000u

static uint64_t
hear(Witness* const self, const uint64_t at_ns, const uint64_t cpu_ns)
{
  return witness_hear(self, (WitnessAnswer){.at_ns = at_ns, .cpu_ns = cpu_ns});
}

static Witness
begun(void)
{
  Witness self;
  witness_begin(&self);
  return self;
}

static void
counts_between_answers(void)
{
  Witness self = begun();
  CHECK(hear(&self, 10u * MS, 100u * MS) == 0u);
  CHECK(hear(&self, 10u * MS + 600u * US, 101u * MS) == 600u * US);
  CHECK(hear(&self, 11u * MS + 100u * US, 102u * MS) == 1100u * US);
}

static void
counts_nothing_before_the_first(void)
{
  Witness self = begun();
  CHECK(hear(&self, 500u * MS, 500u * MS) == 0u);
}

/// The machine was away for 9 ms: both threads come back, and both clocks went on.
static void
a_gap_is_bounded(void)
{
  Witness self = begun();
  hear(&self, 10u * MS, 10u * MS);
  CHECK(hear(&self, 20u * MS, 20u * MS) == WITNESS_MOST_NS);
}

static void
no_more_than_the_cpu_time(void)
{
  Witness self = begun();
  hear(&self, 10u * MS, 10u * MS);
  CHECK(hear(&self, 11u * MS, 10u * MS + 300u * US) == 300u * US);
  CHECK(hear(&self, 31u * MS, 10u * MS + 500u * US) == 500u * US);
}

static void
a_pause_keeps_what_was_counted(void)
{
  Witness self = begun();
  hear(&self, 10u * MS, 10u * MS);
  hear(&self, 10u * MS + 500u * US, 11u * MS);
  witness_pause(&self);
  CHECK(hear(&self, 12u * MS, 12u * MS) == 500u * US);
  CHECK(hear(&self, 12u * MS + 500u * US, 13u * MS) == 1u * MS);
  witness_begin(&self);
  CHECK(hear(&self, 14u * MS, 14u * MS) == 0u);
}

/// A core that is taken away at any moments, for any time: each time costs the thread a period at the most.
static void
each_time_is_bounded(void)
{
  uint64_t random = 1u;
  Witness  self   = begun();
  uint64_t now_ns = 0u, had_ns = 0u, away = 0u;
  for (int i = 0; i < 100000; ++i) {
    const uint64_t ran_ns    = check_below(&random, WITNESS_MOST_NS);
    const uint64_t stolen_ns = check_below(&random, 2u) ? check_below(&random, 50u * MS) : 0u;
    now_ns += ran_ns + stolen_ns;
    had_ns += ran_ns;
    away += stolen_ns ? 1u : 0u;
    CHECK(hear(&self, now_ns, now_ns) <= had_ns + away * WITNESS_MOST_NS);
  }
  CHECK(self.counted_ns > 0u);
}

int
main(void)
{
  static const Test tests[] = {
    {"what lies between two answers is counted", counts_between_answers},
    {"before the first answer nothing is", counts_nothing_before_the_first},
    {"of time in which nobody asked no more than that is counted, whatever the clocks say", a_gap_is_bounded},
    {"no more is counted than the CPU time", no_more_than_the_cpu_time},
    {"what was counted is kept from one call to the next", a_pause_keeps_what_was_counted},
    {"a thread whose core is taken away is charged with so much for each time, and no more", each_time_is_bounded},
  };
  return RUN("witness_test", tests);
}
