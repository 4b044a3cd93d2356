/// The filters, in processes that have nothing to lose.
#include "../syscall_filter.h"
#include "check.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef void (*Act)(pid_t other);

/// The signal that ended a process which did this behind the first filter; 0: none did.
static int
ended_by(const Act act)
{
  const pid_t other = getpid();
  const pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !filter_loading()) { _exit(1); }
    act(other);
    filter_call(SYS_exit_group, 0L, 0L, 0L, 0L);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
schedules(const pid_t other)
{
  const struct sched_param parameter = {.sched_priority = 0};
  filter_call(SYS_sched_setscheduler, other, SCHED_IDLE, (long)(uintptr_t)&parameter, 0L);
}

static void
schedules_itself(const pid_t other)
{
  (void)other;
  schedules(0);
}

static void
signals(const pid_t other)
{
  filter_call(SYS_tgkill, other, other, 0L, 0L);
}

static void
signals_itself(const pid_t other)
{
  (void)other;
  signals(getpid());
}

static void
map_anonymous(const int kind)
{
  const void* const place = mmap(NULL, 1u << 20, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | kind, -1, 0);
  (void)place;
}

static void
maps_shared(const pid_t other)
{
  (void)other;
  map_anonymous(MAP_SHARED);
}

static void
maps_a_stack(const pid_t other)
{
  (void)other;
  map_anonymous(MAP_PRIVATE | MAP_GROWSDOWN);
}

static void
maps_private(const pid_t other)
{
  (void)other;
  map_anonymous(MAP_PRIVATE);
}

#if defined(__x86_64__)
/// The same call under the numbers of the other ABI of this machine.
static void
asks_as_x32(const pid_t other)
{
  (void)other;
  syscall(SYS_getpid | 0x40000000);
}

static void
other_abi_is_shut(void)
{
  CHECK(ended_by(asks_as_x32) == SIGSYS);
}
#endif

static void
owns_signals(const pid_t other)
{
  fcntl(0, F_SETOWN, other);
}

static void
reads_flags(const pid_t other)
{
  (void)other;
  (void)fcntl(0, F_GETFD);
}

static void
no_descriptor_signals_for_us(void)
{
  CHECK(ended_by(owns_signals) == SIGSYS);
  CHECK(ended_by(reads_flags) == 0);
}

static void
memory_is_private(void)
{
  CHECK(ended_by(maps_shared) == SIGSYS);
  CHECK(ended_by(maps_a_stack) == SIGSYS);
  CHECK(ended_by(maps_private) == 0);
}

/// The signal that ended a process which asked this of a futex behind both filters; 0: none did.
static int
ended_by_futex(const int operation)
{
  const pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    static uint32_t       word;
    const struct timespec soon = {.tv_nsec = 1000};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !filter_loading() || !filter_serving()) { _exit(1); }
    syscall(SYS_futex, &word, operation, 0, &soon, NULL, 1);
    filter_call(SYS_exit_group, 0L, 0L, 0L, 0L);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
futexes_wait_and_wake(void)
{
  static const int allowed[] = {FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET, FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
                                FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME};
  for (size_t i = 0u; i < sizeof allowed / sizeof *allowed; ++i) { CHECK(ended_by_futex(allowed[i]) == 0); }
  static const int forbidden[] = {FUTEX_LOCK_PI, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG,
                                  FUTEX_REQUEUE, FUTEX_CMP_REQUEUE_PI, FUTEX_WAKE_OP};
  for (size_t i = 0u; i < sizeof forbidden / sizeof *forbidden; ++i) { CHECK(ended_by_futex(forbidden[i]) == SIGSYS); }
}

static void
the_mark_is_for_this_process_alone(void)
{
  CHECK(ended_by(schedules) == SIGSYS);
  CHECK(ended_by(signals) == SIGSYS);
  CHECK(ended_by(schedules_itself) == SIGSYS); // its priority is the loop's to lend
  CHECK(ended_by(signals_itself) == 0);
}

int
main(void)
{
  static const Test tests[] = {
    {"who has the mark of our own calls still reaches no other process", the_mark_is_for_this_process_alone},
#if defined(__x86_64__)
    {"no call goes round the filter by the numbers of x32", other_abi_is_shut},
#endif
    {"no descriptor sends a signal to another process on our behalf", no_descriptor_signals_for_us},
    {"a futex is waited on and woken; those that lend a priority to whoever they name cannot be had", futexes_wait_and_wake},
    {"memory that is shared or grows as a stack, and so in no limit, cannot be had", memory_is_private},
  };
  return RUN("syscall_filter_test", tests);
}
