/// Computes for 4 ms in every call: each of them returns, and takes as long as four ticks.
#define _POSIX_C_SOURCE 199309L // clock_gettime()
#include "../../../native/clock.h"
#include "plugin_of.h"

#define CALL_NS 4000000u

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  const uint64_t until_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + CALL_NS;
  while (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < until_ns) {}
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
