#include "realtime.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

bool
realtime_schedule(const int priority)
{
  const struct sched_param parameter = {.sched_priority = priority};
  // RESET_ON_FORK: nothing that we start inherits a priority above the system's.
  return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter) == 0;
}

/// The cores that this thread may use, and the last of them. False where there is only one.
static bool
find_cores(cpu_set_t* const cores, size_t* const last)
{
  if (sched_getaffinity(0, sizeof *cores, cores) || CPU_COUNT(cores) < 2) { return false; }
  *last = CPU_SETSIZE - 1u;
  while (!CPU_ISSET(*last, cores)) { --*last; }
  return true;
}

bool
realtime_has_cores(void)
{
  cpu_set_t cores;
  size_t    last = 0;
  return find_cores(&cores, &last);
}

bool
realtime_take_core(void)
{
  cpu_set_t cores;
  size_t    core = 0;
  if (!find_cores(&cores, &core)) { return false; }
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return sched_setaffinity(0, sizeof cores, &cores) == 0;
}

bool
realtime_leave_core(void)
{
  cpu_set_t cores;
  size_t    core = 0;
  if (!find_cores(&cores, &core)) { return false; }
  CPU_CLR(core, &cores);
  return sched_setaffinity(0, sizeof cores, &cores) == 0;
}

bool
realtime_come_first(void)
{
  return setpriority(PRIO_PROCESS, 0, -20) == 0;
}

bool
realtime_lock_memory(void)
{
  // ONFAULT: pages that were never touched need no memory, and a helper process stays small.
  return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}
