/// The filters, in processes that have nothing to lose.
#include "../syscall_filter.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// A call that no kernel of today has.
#define SYSCALL_TOO_NEW 1000L

typedef void (*Act)(pid_t other);

/// The signal that ended a process which did this behind these filters; 0: none did.
static int
ended_behind(bool (*const filters)(void), const Act act)
{
  const pid_t other = getpid();
  const pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !filters()) { _exit(1); }
    act(other);
    filter_call(SYS_exit_group, 0L, 0L, 0L, 0L);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/// Behind the first filter.
static int
ended_by(const Act act)
{
  return ended_behind(filter_loading, act);
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

static bool
both_filters(void)
{
  return filter_loading() && filter_serving();
}

static int futex_operation;

static void
asks_a_futex(const pid_t other)
{
  (void)other;
  static uint32_t       word;
  const struct timespec soon = {.tv_nsec = 1000};
  syscall(SYS_futex, &word, futex_operation, 0, &soon, NULL, 1);
}

static int
ended_by_futex(const int operation)
{
  futex_operation = operation;
  return ended_behind(both_filters, asks_a_futex);
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

// ---------------------------------------------------------------- a service

/// 0, or the errno, of a call behind the filter of a service.
typedef long (*Attempt)(pid_t other);

static int
refused_with(const Attempt attempt)
{
  const pid_t other = getpid();
  const pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !filter_service()) { _exit(255); }
    _exit(attempt(other) < 0 ? errno : 0);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  NEED(WIFEXITED(status) && WEXITSTATUS(status) != 255);
  return WEXITSTATUS(status);
}

static long
asks_for_internet(const pid_t other)
{
  (void)other;
  return socket(AF_INET, SOCK_STREAM, 0);
}

static long
asks_for_netlink(const pid_t other)
{
  (void)other;
  return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long
asks_for_datagrams(const pid_t other)
{
  (void)other;
  return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static long
asks_for_stream(const pid_t other)
{
  (void)other;
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static long
connects(const pid_t other)
{
  (void)other;
  const struct sockaddr nobody = {.sa_family = AF_UNIX};
  return connect(0, &nobody, sizeof nobody);
}

static long
runs_a_program(const pid_t other)
{
  (void)other;
  char* const words[] = {NULL};
  return syscall(SYS_execve, "/bin/true", words, words);
}

static long
runs_a_program_marked(const pid_t other)
{
  (void)other;
  static char        name[]  = "true";
  static char* const words[] = {name, NULL};
  return filter_call(SYS_execve, (long)(uintptr_t) "/bin/true", (long)(uintptr_t)words, (long)(uintptr_t)(words + 1), 0L);
}

static long
forks(const pid_t other)
{
  (void)other;
  return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long
starts_by_the_newer_call(const pid_t other)
{
  (void)other;
  return syscall(SYS_clone3, NULL, 0);
}

static void*
says_one(void* const word)
{
  *(int*)word = 1;
  return NULL;
}

static long
starts_a_thread(const pid_t other)
{
  (void)other;
  int       word = 0;
  pthread_t thread;
  errno = pthread_create(&thread, NULL, says_one, &word);
  if (errno || pthread_join(thread, NULL)) { return -1; }
  return word - 1;
}

static long
signals_another(const pid_t other)
{
  return kill(other, 0);
}

static long
signals_all(const pid_t other)
{
  (void)other;
  return kill(-1, 0);
}

static long
looks_for_itself(const pid_t other)
{
  (void)other;
  return kill(getpid(), 0);
}

static long
reads_limits_of_another(const pid_t other)
{
  struct rlimit now;
  return syscall(SYS_prlimit64, other, RLIMIT_NOFILE, NULL, &now);
}

static long
raises_a_limit(const pid_t other)
{
  (void)other;
  const struct rlimit more = {.rlim_cur = 1u, .rlim_max = 1u};
  return syscall(SYS_prlimit64, 0, RLIMIT_CORE, &more, NULL);
}

static long
sets_up_a_ring(const pid_t other)
{
  (void)other;
  return syscall(SYS_io_uring_setup, 1, NULL);
}

static long
traces(const pid_t other)
{
  return syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, other, 0, 0);
}

static long
calls_what_is_newer(const pid_t other)
{
  (void)other;
  return syscall(SYSCALL_TOO_NEW);
}

static void
a_service_reaches_nobody(void)
{
  const Attempt forbidden[] = {asks_for_internet,       asks_for_netlink, asks_for_datagrams, connects, runs_a_program, forks,
                               signals_another,         signals_all,      raises_a_limit,     traces,   sets_up_a_ring,
                               reads_limits_of_another};
  for (size_t i = 0u; i < sizeof forbidden / sizeof *forbidden; ++i) { CHECK(refused_with(forbidden[i]) == EPERM); }
  CHECK(refused_with(starts_by_the_newer_call) == ENOSYS);
  CHECK(refused_with(calls_what_is_newer) == ENOSYS);
}

static void
a_service_has_what_it_needs(void)
{
  const Attempt allowed[] = {asks_for_stream, starts_a_thread, looks_for_itself, runs_a_program_marked};
  for (size_t i = 0u; i < sizeof allowed / sizeof *allowed; ++i) { CHECK(refused_with(allowed[i]) == 0); }
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
    {"a service has no network, no connection, no program and no other process", a_service_reaches_nobody},
    {"a service listens on a Unix socket, starts threads, and becomes the one program that it was put up for", a_service_has_what_it_needs},
  };
  return RUN("syscall_filter_test", tests);
}
