/// The floor: both sides look at a shared word until it changes. The answering side is up half a period before a slot
/// is due and not all the time: a real-time process that never sleeps would keep everybody else from a core.

#include "../../native/clock.h"
#include "pair.h"
#include "shared_pair.h"

#include <errno.h>

#define EARLY_NS (RIG_PERIOD_NS / 2u)

static SharedPair* shared;

static void
pass(SharedWay* const way, const FrameSlot* const slot)
{
  way->slot = *slot;
  atomic_fetch_add_explicit(&way->word, 1u, memory_order_release);
}

static void
take(SharedWay* const way, const uint32_t seen, FrameSlot* const slot)
{
  while (atomic_load_explicit(&way->word, memory_order_acquire) == seen) { clock_relax(); }
  *slot = way->slot;
}

static bool
spin_serve(void)
{
  FrameSlot slot = {.status = 0u};
  for (uint32_t seen = 0u; slot.status != PAIR_LAST; ++seen) {
    take(&shared->there, seen, &slot);
    pass(&shared->back, &slot);
    const struct timespec early = clock_timespec(slot.reserved > EARLY_NS ? slot.reserved - EARLY_NS : 0u);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &early, NULL) == EINTR) {}
  }
  return true;
}

static bool
spin_open(void)
{
  return true;
}

static bool
spin_exchange(FrameSlot* const slot)
{
  const uint32_t seen = atomic_load_explicit(&shared->back.word, memory_order_relaxed);
  pass(&shared->there, slot);
  take(&shared->back, seen, slot);
  return true;
}

int
main(const int argc, char** const argv)
{
  static const Pair pair = {spin_serve, spin_open, spin_exchange};
  shared                 = shared_pair_make();
  return shared ? pair_run(argc, argv, &pair) : 1;
}
