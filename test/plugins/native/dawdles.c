/// Computes for 4 ms in every call: each of them returns, and takes as long as four ticks.
#define _POSIX_C_SOURCE 199309L // clock_gettime()
#include "plugin_of.h"

#include <stdint.h>
#include <time.h>

#define CALL_NS 4000000u

static uint64_t
used_ns(void)
{
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  const uint64_t until_ns = used_ns() + CALL_NS;
  while (used_ns() < until_ns) {}
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
