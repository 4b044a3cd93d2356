#include "syscall_filter.h"

#include "syscall_forbidden.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u ///< The same architecture with calls of its own
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the filter knows the system calls of x86-64 and aarch64"
#endif

#define MARK_ARGUMENT 5u
#define INT_MASK 0xffffffffull ///< The kernel takes only the low half of an int
#define INSTRUCTIONS_MAX 1024u

typedef struct {
  unsigned argument;
  uint64_t mask; ///< 0: no condition
  uint64_t value;
} Condition;

/// A call that is allowed when both conditions hold.
typedef struct {
  uint32_t  number;
  Condition when[2];
} Rule;

typedef struct {
  struct sock_filter code[INSTRUCTIONS_MAX];
  unsigned           length;
} Program;

static uint64_t mark;

// ---------------------------------------------------------------- our own calls

static bool
make_mark(void)
{
  return getrandom(&mark, sizeof mark, 0) == (ssize_t)sizeof mark;
}

long
filter_call(const long number, const long first, const long second, const long third, const long fourth)
{
  return syscall(number, first, second, third, fourth, 0L, mark);
}

void
filter_default_signal(const int number)
{
  // The kernel's own struct: handler, flags, restorer, mask; SIG_DFL and the rest are zero.
  static const unsigned long defaults[4];
  filter_call(SYS_rt_sigaction, number, (long)(uintptr_t)defaults, 0L, 8L);
}

bool
filter_is_native(const unsigned architecture)
{
  return architecture == ARCHITECTURE;
}

// ---------------------------------------------------------------- writing a program

static void
emit(Program* const program, const struct sock_filter instruction)
{
  // One too many shows: the kernel refuses a program that runs off its end.
  if (program->length < INSTRUCTIONS_MAX) { program->code[program->length++] = instruction; }
}

static void
load(Program* const program, const size_t offset)
{
  emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void
finish(Program* const program, const uint32_t action)
{
  emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/// Goes on where (argument & mask) == value, half by half, else skips `rest` instructions and what is left of this.
static void
emit_condition(Program* const program, const Condition* const when, const unsigned rest)
{
  const size_t low = offsetof(struct seccomp_data, args) + when->argument * sizeof(uint64_t); // little-endian
  for (unsigned half = 0u; half < 2u; ++half) {
    load(program, low + half * sizeof(uint32_t));
    emit(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)(when->mask >> (32u * half))));
    const uint8_t skip = (uint8_t)(rest + (half ? 0u : 3u));
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(when->value >> (32u * half)), 0, skip));
  }
}

#define CONDITION_LENGTH 6u

static void
emit_rule(Program* const program, const Rule* const rule)
{
  const unsigned conditions = (rule->when[0].mask ? 1u : 0u) + (rule->when[1].mask ? 1u : 0u);
  const uint8_t  length     = (uint8_t)(conditions * CONDITION_LENGTH + 1u);
  load(program, offsetof(struct seccomp_data, nr));
  emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->number, 0, length));
  for (unsigned i = 0u; i < conditions; ++i) {
    emit_condition(program, rule->when + i, (conditions - 1u - i) * CONDITION_LENGTH + 1u);
  }
  finish(program, SECCOMP_RET_ALLOW);
}

/// What is made by another convention than this CPU's own gets `foreign`. Afterwards the call's number is at hand.
static void
begin(Program* const program, const Rule* const rules, const size_t count, const uint32_t foreign)
{
  load(program, offsetof(struct seccomp_data, arch));
  emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
  finish(program, foreign);
  for (size_t i = 0u; i < count; ++i) { emit_rule(program, rules + i); }
  load(program, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
  emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
  finish(program, foreign);
#endif
}

static void
answer(Program* const program, const uint32_t number, const uint32_t action)
{
  emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
  finish(program, action);
}

/// Refuses what is on the list, and what is newer than it: as on a kernel that has it not. Allows the rest.
static void
refuse_listed(Program* const program, const uint32_t action)
{
  for (size_t i = 0u; i < sizeof syscall_forbidden / sizeof *syscall_forbidden; ++i) {
    answer(program, syscall_forbidden[i], action);
  }
  emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYSCALL_NEWEST, 0, 1));
  finish(program, SECCOMP_RET_ERRNO | ENOSYS);
  finish(program, SECCOMP_RET_ALLOW);
}

/// As begin(), for a plugin.
static void
begin_plugin(Program* const program, const Rule* const rules, const size_t count)
{
  begin(program, rules, count, SECCOMP_RET_TRAP);
  // Blocked, a refused call would end the process without a word; the C library blocks all signals while it starts a
  // thread. Whoever blocks one is told that it is done, and nothing is done. Asking and unblocking are allowed by rules.
  answer(program, SYS_rt_sigprocmask, SECCOMP_RET_ERRNO);
}

static bool
install(const Program* const program)
{
  const struct sock_fprog filter = {.len = (unsigned short)program->length, .filter = (struct sock_filter*)program->code};
  return filter_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0L, (long)(uintptr_t)&filter, 0L) == 0;
}

// ---------------------------------------------------------------- a plugin's two

/// abort() unblocks its signal, then sends it.
#define HARMLESS_MASKS {SYS_rt_sigprocmask, {INT(0u, SIG_UNBLOCK)}}, {SYS_rt_sigprocmask, {{1u, ~0ull, 0u}}}
#define MARKED {MARK_ARGUMENT, ~0ull, mark}
#define FUTEX(operation) {1u, INT_MASK & ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), operation}
#define INT(argument, value) {argument, INT_MASK, (uint32_t)(value)}
/// Of open()'s flags, those with which something is written.
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

bool
filter_loading(void)
{
  if (!make_mark()) { return false; }
  const Rule allowed[] = {
    {SYS_openat, {{2u, WRITING, O_RDONLY}}},
#ifdef SYS_open
    {SYS_open, {{1u, WRITING, O_RDONLY}}},
#endif
    // What is shared is in no limit of ours, and what grows as a stack does not in that of the data.
    {SYS_mmap, {{3u, MAP_TYPE | MAP_GROWSDOWN, MAP_PRIVATE}}},
    {SYS_ioctl, {INT(1u, TCGETS)}}, // the C library's way to ask whether a stream is a terminal
    // Not whom a descriptor tells of what happens to it, and with which signal.
    {SYS_fcntl, {INT(1u, F_GETFD)}},
    {SYS_fcntl, {INT(1u, F_SETFD)}},
    {SYS_fcntl, {INT(1u, F_GETFL)}},
    {SYS_fcntl, {INT(1u, F_DUPFD_CLOEXEC)}},
    HARMLESS_MASKS,
    {SYS_tgkill, {INT(0u, getpid())}},
    {SYS_prlimit64, {{2u, ~0ull, 0u}}}, // only asked, not set
    {SYS_exit_group, {MARKED}},
    {SYS_setrlimit, {MARKED}},
    {SYS_timer_settime, {MARKED}},
    {SYS_seccomp, {MARKED}},
  };
  static Program program;
  begin_plugin(&program, allowed, sizeof allowed / sizeof *allowed);
  refuse_listed(&program, SECCOMP_RET_TRAP);
  return install(&program);
}

bool
filter_serving(void)
{
  const Rule allowed[] = {
    // To wait and to wake: those that lend priorities to others by their numbers are not for a plugin.
    {SYS_futex, {FUTEX(FUTEX_WAIT)}},
    {SYS_futex, {FUTEX(FUTEX_WAKE)}},
    {SYS_futex, {FUTEX(FUTEX_WAIT_BITSET)}},
    {SYS_futex, {FUTEX(FUTEX_WAKE_BITSET)}},
    {SYS_clock_gettime, {{0}}}, // CPU times; the others do not enter the kernel
    {SYS_sched_yield, {{0}}},   // a spin gives way to others on its core
    {SYS_restart_syscall, {{0}}},
    {SYS_rt_sigreturn, {{0}}},
    {SYS_getpid, {{0}}},
    {SYS_gettid, {{0}}},
    HARMLESS_MASKS,
    {SYS_tgkill, {INT(0u, getpid()), INT(2u, SIGABRT)}},
    {SYS_tgkill, {INT(0u, getpid()), MARKED}},
    {SYS_rt_sigaction, {MARKED}},
    {SYS_exit_group, {MARKED}},
    {SYS_timer_settime, {MARKED}},
    {SYS_write, {MARKED}},
    {SYS_close, {MARKED}},
  };
  static Program program;
  begin_plugin(&program, allowed, sizeof allowed / sizeof *allowed);
  finish(&program, SECCOMP_RET_TRAP);
  return install(&program);
}

// ---------------------------------------------------------------- a service's

/// What a thread has in common with the one that starts it; without, it would be another process.
#define THREAD (CLONE_VM | CLONE_THREAD)
/// Of a socket's type, all but whether it waits and survives an exec.
#define SOCKET_KIND (INT_MASK & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
#define ANY(number) {number, {{0}}}

bool
filter_service(void)
{
  if (!make_mark()) { return false; }
  const Rule allowed[] = {
    {SYS_execve, {MARKED}},
    // A Unix socket to listen on. Datagrams could be sent to any other by its name, and connections be made: not here.
    {SYS_socket, {INT(0u, AF_UNIX), {1u, SOCKET_KIND, SOCK_STREAM}}},
    ANY(SYS_bind),
    ANY(SYS_listen),
    ANY(SYS_accept4),
    ANY(SYS_shutdown),
    ANY(SYS_getsockname),
    ANY(SYS_getpeername),
    ANY(SYS_getsockopt),
    ANY(SYS_setsockopt),
    // Threads, and their ends
    {SYS_clone, {{0u, THREAD, THREAD}}},
    ANY(SYS_exit),
    ANY(SYS_exit_group),
    {SYS_kill, {INT(0u, getpid())}},
    {SYS_tgkill, {INT(0u, getpid())}},
    {SYS_prlimit64, {INT(0u, 0), {2u, ~0ull, 0u}}}, // its own limits, and only asked
    {SYS_prctl, {INT(0u, PR_SET_NAME)}},
    {SYS_prctl, {INT(0u, PR_SET_VMA)}},
    // Files: landlock says which
    ANY(SYS_openat),
    ANY(SYS_openat2),
    ANY(SYS_ftruncate),
    ANY(SYS_fallocate),
    ANY(SYS_renameat),
    ANY(SYS_renameat2),
    ANY(SYS_linkat),
    ANY(SYS_symlinkat),
    ANY(SYS_unlinkat),
    ANY(SYS_mkdirat),
    ANY(SYS_utimensat),
    {SYS_fcntl, {INT(1u, F_GETFD)}},
    {SYS_fcntl, {INT(1u, F_SETFD)}},
    {SYS_fcntl, {INT(1u, F_GETFL)}},
    {SYS_fcntl, {INT(1u, F_SETFL)}},
    {SYS_fcntl, {INT(1u, F_DUPFD_CLOEXEC)}},
    {SYS_ioctl, {INT(1u, TCGETS)}},
    {SYS_ioctl, {INT(1u, FIONBIO)}},
    {SYS_ioctl, {INT(1u, FIOCLEX)}},
#ifdef __x86_64__
    ANY(SYS_open),
    ANY(SYS_rename),
    ANY(SYS_link),
    ANY(SYS_symlink),
    ANY(SYS_unlink),
    ANY(SYS_rmdir),
    ANY(SYS_mkdir),
#endif
    ANY(SYS_mmap),
    ANY(SYS_pkey_mprotect),
  };
  static Program program;
  begin(&program, allowed, sizeof allowed / sizeof *allowed, SECCOMP_RET_KILL_PROCESS);
  // Its flags are in memory, which no filter reads; without it the C library takes clone().
  answer(&program, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
  refuse_listed(&program, SECCOMP_RET_ERRNO | EPERM);
  return install(&program);
}
