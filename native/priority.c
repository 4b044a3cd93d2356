#include "priority.h"

#include "clock.h"
#include "realtime.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool
schedule(const Priority* const self, const int policy, const int priority)
{
  const struct sched_param parameter = {.sched_priority = priority};
  // There is no call that takes a pidfd; between the two the number would have to go round.
  return syscall(SYS_pidfd_send_signal, self->process, 0, NULL, 0u) == 0 &&
         sched_setscheduler(self->pid, policy | SCHED_RESET_ON_FORK, &parameter) == 0;
}

void
priority_open(Priority* const self, const pid_t pid)
{
  *self = (Priority){.pid = pid, .process = -1};
  if (pid <= 0) { return; } // to the kernel 0 is ourselves
  self->process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (self->process < 0) { return; }
  self->lent = schedule(self, SCHED_FIFO, REALTIME_PLUGIN_PRIORITY);
  if (!self->lent || clock_getcpuclockid(pid, &self->cpu)) { priority_close(self); }
}

void
priority_close(Priority* const self)
{
  priority_take_back(self); // whoever the loop has nothing to do with any more needs no priority
  if (self->process >= 0) { close(self->process); }
  self->process = -1;
}

void
priority_take_back(Priority* const self)
{
  if (self->process < 0 || !self->lent) { return; }
  self->lent = false;
  (void)schedule(self, SCHED_OTHER, 0); // refused where it is gone
}

void
priority_lend(Priority* const self)
{
  if (self->process < 0 || self->lent) { return; }
  self->lent = true;
  (void)schedule(self, SCHED_FIFO, REALTIME_PLUGIN_PRIORITY);
}

uint64_t
priority_cpu_ns(const Priority* const self)
{
  struct timespec time;
  if (self->process < 0 || clock_gettime(self->cpu, &time)) { return 0u; }
  return (uint64_t)time.tv_sec * CLOCK_NS_PER_S + (uint64_t)time.tv_nsec;
}
