/// The limit of two processes that sleep until they are woken: two words in shared memory, FUTEX_WAIT and FUTEX_WAKE.

#include "pair.h"
#include "shared_pair.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static SharedPair* shared;

static void
pass(SharedWay* const way, const FrameSlot* const slot)
{
  way->slot = *slot;
  atomic_fetch_add_explicit(&way->word, 1u, memory_order_release);
  syscall(SYS_futex, &way->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
take(SharedWay* const way, const uint32_t seen, FrameSlot* const slot)
{
  while (atomic_load_explicit(&way->word, memory_order_acquire) == seen) {
    syscall(SYS_futex, &way->word, FUTEX_WAIT, seen, NULL, NULL, 0);
  }
  *slot = way->slot;
}

static bool
futex_serve(void)
{
  FrameSlot slot = {.status = 0u};
  for (uint32_t seen = 0u; slot.status != PAIR_LAST; ++seen) {
    take(&shared->there, seen, &slot);
    pass(&shared->back, &slot);
  }
  return true;
}

static bool
futex_open(void)
{
  return true;
}

static bool
futex_exchange(FrameSlot* const slot)
{
  const uint32_t seen = atomic_load_explicit(&shared->back.word, memory_order_relaxed);
  pass(&shared->there, slot);
  take(&shared->back, seen, slot);
  return true;
}

int
main(const int argc, char** const argv)
{
  static const Pair pair = {futex_serve, futex_open, futex_exchange};
  shared                 = shared_pair_make();
  return shared ? pair_run(argc, argv, &pair) : 1;
}
