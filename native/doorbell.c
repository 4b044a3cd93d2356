#include "doorbell.h"

#include "clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the futex word is the low half of a 64-bit counter: little-endian only"
#endif

// Not FUTEX_PRIVATE: the two sides are processes.

static uint32_t*
futex_word(const Ring* const ring)
{
  return (uint32_t*)(void*)&ring->shared->written;
}

void
doorbell_ring(const Ring* const ring)
{
  // Store `written`, then load `reader_sleeps`; the reader stores and loads the
  // other way round. With both orders sequentially consistent one of us sees the other.
  atomic_thread_fence(memory_order_seq_cst);
  if (!atomic_load_explicit(&ring->shared->reader_sleeps, memory_order_relaxed)) { return; }
  syscall(SYS_futex, futex_word(ring), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool
has_something(const Ring* const ring)
{
  return atomic_load_explicit(&ring->shared->written, memory_order_acquire) != ring->own;
}

bool
doorbell_spin(const Ring* const ring, const uint64_t until_ns, const bool yield)
{
  do {
    // 16 looks between two readings of the clock, which costs as much as all of them.
    for (int i = 0; i < 16; ++i) {
      if (has_something(ring)) { return true; }
      clock_relax();
    }
    if (yield) { sched_yield(); }
  } while (clock_now_ns() < until_ns);
  return has_something(ring);
}

bool
doorbell_wait(const Ring* const ring, const uint64_t until_ns, const uint64_t spin_ns)
{
  if (has_something(ring)) { return true; }
  const uint64_t now_ns = clock_now_ns();
  if (spin_ns && now_ns < until_ns) {
    const uint64_t spin_until_ns = spin_ns < until_ns - now_ns ? now_ns + spin_ns : until_ns;
    if (doorbell_spin(ring, spin_until_ns, false)) { return true; }
  }

  const struct timespec until = clock_timespec(until_ns);
  bool                  found = false;
  atomic_store_explicit(&ring->shared->reader_sleeps, 1u, memory_order_relaxed);
  for (;;) {
    atomic_thread_fence(memory_order_seq_cst);
    found = has_something(ring);
    if (found || clock_now_ns() >= until_ns) { break; }
    // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time. The word is compared in the kernel, so a
    // push between our look and the sleep is not slept through.
    const long st = syscall(SYS_futex, futex_word(ring), FUTEX_WAIT_BITSET, (uint32_t)ring->own, &until, NULL,
                            FUTEX_BITSET_MATCH_ANY);
    if (st && errno != EAGAIN && errno != EINTR) {
      found = has_something(ring);
      break;
    }
  }
  atomic_store_explicit(&ring->shared->reader_sleeps, 0u, memory_order_relaxed);
  return found;
}
