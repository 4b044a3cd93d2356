/// The priority that is lent to another process, as the kernel tells it.
#include "../priority.h"

#include "../realtime.h"
#include "check.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/// A process that waits until it is ended.
static pid_t
start_other(void)
{
  const pid_t pid = fork();
  NEED(pid >= 0);
  if (pid == 0) {
    for (;;) { pause(); }
  }
  return pid;
}

static void
end_other(const pid_t pid)
{
  NEED(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static bool
has(const pid_t pid, const int policy, const int priority)
{
  struct sched_param parameter;
  return sched_getscheduler(pid) == (policy | SCHED_RESET_ON_FORK) && sched_getparam(pid, &parameter) == 0 &&
         parameter.sched_priority == priority;
}

static void
is_lent_taken_back_and_lent_again(void)
{
  const pid_t other = start_other();
  Priority    priority;
  priority_open(&priority, other);
  if (priority.lent) {
    CHECK(has(other, SCHED_FIFO, REALTIME_PLUGIN_PRIORITY));
    for (int i = 0; i < 2; ++i) {
      priority_take_back(&priority);
      CHECK(has(other, SCHED_OTHER, 0));
    }
    for (int i = 0; i < 2; ++i) {
      priority_lend(&priority);
      CHECK(has(other, SCHED_FIFO, REALTIME_PLUGIN_PRIORITY));
    }
  } else {
    puts("  this user may lend no real-time priority: only that nothing happens is tested");
    priority_lend(&priority);
    CHECK(sched_getscheduler(other) == SCHED_OTHER);
  }
  priority_close(&priority);
  priority_close(&priority);
  CHECK(sched_getscheduler(other) == SCHED_OTHER || has(other, SCHED_OTHER, 0));
  end_other(other);
}

static void
is_nobodys_once_its_process_is_gone(void)
{
  const pid_t other = start_other();
  Priority    priority;
  priority_open(&priority, other);
  end_other(other);
  priority_take_back(&priority);
  priority_lend(&priority);
  priority_close(&priority);
  CHECK(sched_getscheduler(0) == SCHED_OTHER);
}

static void
is_not_lent_to_who_is_nobody(void)
{
  const pid_t nobody[] = {0, -1, -7};
  for (size_t i = 0u; i < sizeof nobody / sizeof *nobody; ++i) {
    Priority priority;
    priority_open(&priority, nobody[i]);
    priority_take_back(&priority);
    priority_lend(&priority);
    CHECK(!priority.lent && priority.process < 0);
    CHECK(sched_getscheduler(0) == SCHED_OTHER); // 0 would be ourselves
    priority_close(&priority);
  }
}

int
main(void)
{
  static const Test tests[] = {
    {"a priority is lent, taken back and lent again", is_lent_taken_back_and_lent_again},
    {"a process that is gone has none, and no other process gets it", is_nobodys_once_its_process_is_gone},
    {"who has no process is lent nothing, and we least of all", is_not_lent_to_who_is_nobody},
  };
  return RUN("priority_test", tests);
}
