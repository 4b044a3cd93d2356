#include "realtime.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

bool
realtime_schedule(const int priority)
{
  const struct sched_param parameter = {.sched_priority = priority};
  // RESET_ON_FORK: nothing that we start inherits a priority above the system's.
  return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter) == 0;
}

bool
realtime_bound_cpu(const unsigned milliseconds)
{
  // Soft and hard alike: SIGKILL at once, not a SIGXCPU that could be ignored.
  const struct rlimit limit = {.rlim_cur = milliseconds * 1000u, .rlim_max = milliseconds * 1000u};
  return setrlimit(RLIMIT_RTTIME, &limit) == 0;
}

bool
realtime_lock_memory(void)
{
  // ONFAULT: pages that were never touched need no memory, and a helper process stays small.
  return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}
