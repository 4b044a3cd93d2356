/// What happens to a Fast plugin with a vice, in a real wheel-dsp: what is recorded, and what it could not do.
#include "dsp_bench.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define FRAMES 100u ///< The vices show at this one

// ---------------------------------------------------------------- ends

typedef struct {
  const char* library;
  EndKind     kind;
  int         numbers[2]; ///< One of them: the C library has a choice
  PluginPhase phase;
  int         signal;
  const char* symbol; ///< It begins with this
} Vice;

static void
check_end(const DspBench* const b, const Vice* const vice)
{
  const PluginEnd* const end = &b->loop.report->end;
  const bool number = end->number == vice->numbers[0] || (vice->numbers[1] && end->number == vice->numbers[1]);
  const bool ok     = CHECK(end->kind == vice->kind) & CHECK(number) & CHECK(end->phase == vice->phase) &
                  CHECK(end->address != 0u) & CHECK(strncmp(end->symbol, vice->symbol, strlen(vice->symbol)) == 0);
  if (!ok) {
    printf("  %s: kind %u number %d phase %u sequence %u symbol '%s' value %llu, report '%s'\n", vice->library, end->kind,
           end->number, end->phase, end->sequence, end->symbol, (unsigned long long)end->value, b->report);
  }
}

/// It answers every frame before its hundredth, ends at that one, and says so.
static void
check_end_in_process(const char* const library, const EndKind kind, const int number, const int other, const char* const symbol,
                     const int signal)
{
  const Vice      vice = {library, kind, {number, other}, PHASE_PROCESSING, signal, symbol};
  DspBench* const b    = dsp_start((DspWish){.library = library});
  if (CHECK(dsp_is_ready(b))) {
    CHECK(dsp_exchange_many(b, FRAMES) == FRAMES - 1u);
    CHECK(dsp_wait(b) == signal);
    check_end(b, &vice);
    CHECK(b->loop.report->end.sequence == FRAMES);
  }
  dsp_stop(b);
}

static void
check_end_before(const Vice vice)
{
  DspBench* const b = dsp_start((DspWish){.library = vice.library});
  CHECK(b->report[0] == '\0');
  CHECK(dsp_wait(b) == vice.signal);
  check_end(b, &vice);
  CHECK(b->loop.report->end.sequence == 0u);
  dsp_stop(b);
}

static void
crash_in_process(void)
{
  check_end_in_process("crashes", END_SIGNAL, SIGSEGV, 0, "process+0x", SIGSEGV);
  check_end_in_process("aborts", END_SIGNAL, SIGABRT, 0, "process+0x", SIGABRT);
  check_end_in_process("recurses", END_SIGNAL, SIGSEGV, 0, "deeper+0x", SIGSEGV);
#ifdef __x86_64__ // elsewhere a division by zero is a number
  check_end_in_process("divides-by-zero", END_SIGNAL, SIGFPE, 0, "process+0x", SIGFPE);
#endif
}

static void
crash_address(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "crashes"});
  dsp_exchange_many(b, FRAMES);
  dsp_wait(b);
  CHECK(b->loop.report->end.value == 8u);
  dsp_stop(b);
}

static void
crash_before(void)
{
  check_end_before((Vice){"crashes-in-constructor", END_SIGNAL, {SIGSEGV, 0}, PHASE_LOADING, SIGSEGV, "construct+0x"});
  check_end_before((Vice){"crashes-in-create", END_SIGNAL, {SIGSEGV, 0}, PHASE_CREATING, SIGSEGV, "plugin_create+0x"});
}

static void
crash_stripped(void)
{
  check_end_in_process("stripped-crashes", END_SIGNAL, SIGSEGV, 0, "process+0x", SIGSEGV);
}

static void
never_returns(void)
{
  check_end_in_process("never-returns", END_TIMEOUT, 0, 0, "process+0x", SIGXCPU);
  check_end_before((Vice){"spins-in-create", END_TIMEOUT, {0, 0}, PHASE_CREATING, SIGXCPU, "plugin_create+0x"});
}

static void
never_returns_for_how_long(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "never-returns"});
  dsp_exchange_many(b, FRAMES);
  dsp_wait(b);
  const uint64_t cpu_ns = b->loop.report->end.value;
  // The kernel's second line is ten times the first, and would have left no record.
  CHECK(cpu_ns >= 5u * CLOCK_NS_PER_MS && cpu_ns < 100u * CLOCK_NS_PER_MS);
  dsp_stop(b);
}

static void
blocks(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "waits-for-nobody"});
  CHECK(dsp_exchange_many(b, FRAMES - 1u) == FRAMES - 1u);
  const FrameSlot frame = {.sequence = FRAMES};
  NEED(ring_push(&b->loop.to, &frame) == RING_OK);
  doorbell_ring(&b->loop.to);
  const PluginReport* const report = b->loop.report;
  while (atomic_load(&report->sequence) != FRAMES || atomic_load(&report->phase) != PHASE_PROCESSING) { usleep(1000); }
  CHECK(waitpid(b->pid, &b->status, WNOHANG) == 0);
  dsp_stop(b);
}

// ---------------------------------------------------------------- calls that it must not make

static void
calls_in_process(void)
{
  check_end_in_process("opens-socket", END_SYSCALL, SYS_socket, 0, "process+0x", SIGSYS);
  check_end_in_process("sleeps", END_SYSCALL, SYS_clock_nanosleep, SYS_nanosleep, "process+0x", SIGSYS);
  check_end_in_process("forks", END_SYSCALL, SYS_clone, SYS_clone3, "process+0x", SIGSYS);
  check_end_in_process("execs", END_SYSCALL, SYS_execve, 0, "process+0x", SIGSYS);
  check_end_in_process("reads-passwd", END_SYSCALL, SYS_openat, 0, "process+0x", SIGSYS);
  check_end_in_process("writes-file", END_SYSCALL, SYS_openat, 0, "process+0x", SIGSYS);
  check_end_in_process("changes-signals-late", END_SYSCALL, SYS_rt_sigaction, 0, "process+0x", SIGSYS);
  check_end_in_process("changes-scheduling", END_SYSCALL, SYS_sched_setscheduler, 0, "process+0x", SIGSYS);
}

static void
calls_before(void)
{
  check_end_before((Vice){"spawns-thread", END_SYSCALL, {SYS_clone3, SYS_clone}, PHASE_CREATING, SIGSYS, "plugin_create+0x"});
  check_end_before((Vice){"writes-file-in-create", END_SYSCALL, {SYS_openat, 0}, PHASE_CREATING, SIGSYS, "plugin_create+0x"});
  CHECK(access("/tmp/openracing-was-here", F_OK) != 0);
}

static void
exit_with_its_code(void)
{
  check_end_in_process("exits", END_SYSCALL, SYS_exit_group, 0, "process+0x", SIGSYS);
  DspBench* const b = dsp_start((DspWish){.library = "exits"});
  dsp_exchange_many(b, FRAMES);
  dsp_wait(b);
  CHECK(b->loop.report->end.value == 7u);
  dsp_stop(b);
}

static void
signals_are_ours_again(void)
{
  check_end_in_process("changes-signals", END_SIGNAL, SIGSEGV, 0, "process+0x", SIGSEGV);
}

static void
killed_by_another(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "inverts"});
  CHECK(dsp_exchange_many(b, 10u) == 10u);
  kill(b->pid, SIGSEGV);
  CHECK(dsp_wait(b) == SIGSEGV);
  CHECK(b->loop.report->end.kind == END_NONE);
  dsp_stop(b);
}

// ---------------------------------------------------------------- answers

static void
answers(void)
{
  FrameSlot       answer = {0};
  DspBench* const b      = dsp_start((DspWish){.library = "inverts"});
  CHECK(dsp_is_ready(b));
  CHECK(b->loop.report->sandbox == (SANDBOX_LANDLOCK | SANDBOX_SECCOMP));
  CHECK(dsp_exchange(b, 1.5f, &answer) && answer.torque_out == -1.5f && answer.result == 0);
  CHECK(dsp_exchange(b, 1.5f, &answer) && (answer.status & FRAME_TIMED) && answer.cpu_ns > 0u);
  CHECK(b->loop.report->phase == PHASE_IDLE && b->loop.report->sequence == 2u);
  dsp_stop(b);
}

/// 5 s without a frame: the one test that waits for a time, because that is what it is about.
static void
ends_when_idle(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "inverts"});
  CHECK(dsp_exchange_many(b, 10u) == 10u);
  CHECK(dsp_wait(b) == 0 && WEXITSTATUS(b->status) == 0 && b->loop.report->end.kind == END_NONE);
  dsp_stop(b);
}

/// A chain that leaves it no time tells it so, and it stays.
static void
stays_where_it_is_left_out(void)
{
  DspBench* const b      = dsp_start((DspWish){.library = "inverts"});
  const uint64_t  end_ns = clock_now_ns() + 7u * CLOCK_NS_PER_S;
  while (clock_now_ns() < end_ns) {
    atomic_fetch_add(&b->loop.report->left_out, 1u);
    usleep(100000);
  }
  CHECK(waitpid(b->pid, &b->status, WNOHANG) == 0);
  CHECK(dsp_exchange_many(b, 10u) == 10u);
  dsp_stop(b);
}

/// A wheel-dsp whose dead man's switch has a second, and not 30.
static const char impatient[] = "build/impatient/wheel-dsp";

/// Three times as long as the switch has: that is what it is about.
static void
outlives_dead_man(void)
{
  DspBench* const b      = dsp_start((DspWish){.program = impatient, .library = "inverts"});
  const uint64_t  end_ns = clock_now_ns() + 3u * CLOCK_NS_PER_S;
  FrameSlot       answer;
  while (clock_now_ns() < end_ns && CHECK(dsp_exchange(b, 1.5f, &answer))) { usleep(1000); }
  dsp_stop(b);
}

static void
dead_man_ends_who_blocks(void)
{
  DspBench* const b = dsp_start((DspWish){.program = impatient, .library = "waits-for-nobody"});
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES - 1u);
  CHECK(dsp_wait(b) == SIGKILL && b->loop.report->phase == PHASE_PROCESSING);
  dsp_stop(b);
}

static void
answers_that_are_no_use(void)
{
  static const char* const libraries[] = {"not-finite", "infinite", "fails"};
  for (size_t i = 0u; i < 3u; ++i) {
    FrameSlot       answer = {0};
    DspBench* const b      = dsp_start((DspWish){.library = libraries[i]});
    CHECK(dsp_exchange(b, 1.5f, &answer));
    CHECK(i == 2u ? answer.result == -2 : !isfinite(answer.torque_out) && answer.result == 0);
    CHECK(dsp_exchange_many(b, FRAMES) == FRAMES && b->loop.report->end.kind == END_NONE);
    dsp_stop(b);
  }
}

/// It ends with the frame that did it, by itself, and without a call of destroy(); `ring` is the one that it names.
static void
check_spoiled(const char* const library, const int ring, const uint64_t count)
{
  DspBench* const b = dsp_start((DspWish){.library = library});
  CHECK(dsp_is_ready(b) && dsp_exchange_many(b, FRAMES - 1u) == FRAMES - 1u);
  FrameSlot answer = {0};
  CHECK(!dsp_exchange(b, 1.0f, &answer));
  CHECK(dsp_wait(b) == 0 && WEXITSTATUS(b->status) == 1);
  const PluginReport* const report = b->loop.report;
  CHECK(report->magic == PLUGIN_SEGMENT_MAGIC && report->version == RIG_VERSION && report->memory_refused == 0u);
  CHECK(report->end.kind == END_RING && report->end.number == ring && report->end.value == count);
  CHECK(report->end.phase == PHASE_PROCESSING && report->end.sequence == FRAMES);
  dsp_stop(b);
}

static void
shared_memory_spoiled(void)
{
  check_spoiled("overwrites-counters", 1, FRAMES - 1u + (1u << 20));
  check_spoiled("scribbles", 0, 0xa5a5a5a5a5a5a5a5u);
  check_spoiled("forges-input", 0, FRAMES + (1u << 20));
}

static void
refused(void)
{
  static const struct {
    const char* library;
    const char* text;
  } cases[] = {
    {"other-abi", "PLUGIN_ABI_MISMATCH: built for ABI version 2"},
    {"no-entry-point", "PLUGIN_INVALID: the library exports no get_plugin_vtable()"},
    {"creates-nothing", "PLUGIN_FAILED: create() returned NULL"},
  };
  for (size_t i = 0u; i < sizeof cases / sizeof *cases; ++i) {
    DspBench* const b = dsp_start((DspWish){.library = cases[i].library});
    CHECK(strncmp(b->report, cases[i].text, strlen(cases[i].text)) == 0);
    CHECK(dsp_wait(b) == 0 && WEXITSTATUS(b->status) == 1 && b->loop.report->state == REPORT_FAILED);
    dsp_stop(b);
  }
}

static void
not_sealed(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "inverts", .seals = F_SEAL_GROW | F_SEAL_SHRINK});
  CHECK(strncmp(b->report, "PLUGIN_INVALID: file descriptor 4 holds no sealed library", 57u) == 0);
  dsp_stop(b);
}

// ---------------------------------------------------------------- memory

static void
memory_limit(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "allocates-too-much", .memory_bytes = 1000000u});
  CHECK(dsp_is_ready(b));
  const PluginReport* const report = b->loop.report;
  CHECK(report->memory_bytes == 1000000u && report->memory_max == 1000000u && report->memory_refused == 1u);
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES && report->allocations == 0u);
  dsp_stop(b);
}

static void
memory_of_every_kind(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "minds-memory"});
  CHECK(dsp_is_ready(b));
  CHECK(b->loop.report->memory_bytes == 0u && b->loop.report->memory_max >= 100000u && b->loop.report->memory_refused == 1u);
  dsp_stop(b);
}

static void
allocation_in_process(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "allocates-in-process"});
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES);
  CHECK(b->loop.report->allocations == FRAMES && b->loop.report->memory_bytes == 0u && b->loop.report->memory_max == sizeof(float));
  dsp_stop(b);
}

static void
leak(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "leaks", .memory_bytes = 64u * 65536u});
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES);
  CHECK(b->loop.report->memory_bytes == 64u * 65536u && b->loop.report->memory_refused == FRAMES - 64u);
  dsp_stop(b);
}

// ---------------------------------------------------------------- an older kernel

/// From here on this call does not exist.
static void
take_away(const uint32_t number)
{
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {.len = 4u, .filter = code};
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void
without_landlock(void)
{
  take_away(SYS_landlock_create_ruleset);
}

static void
without_seccomp(void)
{
  take_away(SYS_seccomp);
}

static void
older_kernel(void)
{
  DspBench* b = dsp_start((DspWish){.library = "inverts", .before = without_landlock});
  CHECK(dsp_is_ready(b) && b->loop.report->sandbox == SANDBOX_SECCOMP);
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES);
  dsp_stop(b);
  b = dsp_start((DspWish){.library = "inverts", .before = without_seccomp});
  CHECK(dsp_is_ready(b) && b->loop.report->sandbox == SANDBOX_LANDLOCK);
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES);
  dsp_stop(b);
}

static void
without_priority(void)
{
  take_away(SYS_sched_setscheduler);
}

static void
not_realtime(void)
{
  DspBench* const b = dsp_start((DspWish){.library = "never-returns", .before = without_priority});
  CHECK(dsp_exchange_many(b, FRAMES) == FRAMES - 1u && dsp_wait(b) == SIGXCPU);
  CHECK(b->loop.report->end.kind == END_TIMEOUT && b->loop.report->end.value >= 5u * CLOCK_NS_PER_MS);
  dsp_stop(b);
}

int
main(void)
{
  static const Test tests[] = {
    {"a plugin behind the whole fence answers", answers},
    {"answers that are not finite, and failures, go to the loop and end nothing", answers_that_are_no_use},
    {"the process of a plugin that gets no frames any more ends by itself", ends_when_idle},
    {"one that a chain has no time for is told that there is a loop, and stays", stays_where_it_is_left_out},
    {"a plugin that answers outlives the dead man's switch", outlives_dead_man},
    {"one that blocks is ended by it, though everybody who watched is dead", dead_man_ends_who_blocks},
    {"a crash in process() is told with its signal, frame and function", crash_in_process},
    {"a crash is told with the address that it used", crash_address},
    {"a crash in a constructor or in create() is told as one", crash_before},
    {"a stripped library's process() has its name", crash_stripped},
    {"a call that does not return is ended and told", never_returns},
    {"a call that does not return is told with its CPU time", never_returns_for_how_long},
    {"a call that blocks shows its frame, and uses no CPU time to be told by", blocks},
    {"a forbidden system call in process() is told with its number and who made it", calls_in_process},
    {"no thread is started and no file written before process() either", calls_before},
    {"a plugin that exits is told with its code", exit_with_its_code},
    {"whatever create() did to the signals, a crash is told", signals_are_ours_again},
    {"a signal from another process is not the plugin's end to answer for", killed_by_another},
    {"a plugin that destroys a ring ends with that frame, and says which ring it was", shared_memory_spoiled},
    {"a library of another ABI, without the entry point, or that creates nothing says so", refused},
    {"a library that somebody could still change is refused", not_sealed},
    {"malloc gives as many bytes as the plugin may have, and then NULL", memory_limit},
    {"memory is cleared, moved and aligned as C says, and what is from elsewhere is left alone", memory_of_every_kind},
    {"allocations in process() are counted", allocation_in_process},
    {"a leak grows to the limit and no further", leak},
    {"a call that does not return is told without a real-time priority too", not_realtime},
    {"where the kernel lacks landlock or seccomp the report says which is in force", older_kernel},
  };
  return RUN("wheel_dsp_test", tests);
}
