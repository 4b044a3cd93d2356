/// Writes a byte a millisecond to stdout, on the clock that every round trip is paced by, until nobody reads them.
/// For a process that cannot sleep until a nanosecond by itself.

#include "../../native/clock.h"
#include "../../native/realtime.h"
#include "../../native/rig.h"

#include <errno.h>
#include <unistd.h>

int
main(void)
{
  (void)realtime_schedule(REALTIME_LOOP_PRIORITY);
  const char byte = 0;
  for (uint64_t due_ns = clock_now_ns() + RIG_PERIOD_NS;; due_ns += RIG_PERIOD_NS) {
    const struct timespec due = clock_timespec(due_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {}
    if (write(STDOUT_FILENO, &byte, 1u) != 1) { return 0; }
  }
}
