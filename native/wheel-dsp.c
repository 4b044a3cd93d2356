/// wheel-dsp SEGMENT LIBRARY_DIRECTORY CONFIG MEMORY_BYTES
///
/// Runs one Fast plugin: the library on file descriptor 4, a sealed memfd, created with the text of CONFIG, fed by the
/// rings of the shared memory file SEGMENT. It may read LIBRARY_DIRECTORY, and allocate MEMORY_BYTES at a time. Says on
/// file descriptor 3, in a line of its own, what the kernel put round it (`fence` and SANDBOX_* bits), before any of the
/// plugin's code runs, which could say something else; then, once, how it began: `ready`, or a failure code and a sentence.
///
/// The plugin's code runs behind a fence from its first constructor on (sandbox.h), and how it ends is told in the
/// segment (plugin_end.h). It needs nobody but the loop: without a sign of it for 5 s it ends, and if its plugin never
/// returns the kernel ends it (a timer whose signal is SIGKILL).

#include "../sdk/c/plugin.h"
#include "clock.h"
#include "doorbell.h"
#include "plugin_end.h"
#include "plugin_library.h"
#include "plugin_memory.h"
#include "plugin_segment.h"
#include "realtime.h"
#include "sandbox.h"
#include "syscall_filter.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REPORT_FD 3
#define LIBRARY_FD 4
#define CONFIG_BYTES_MAX 65536
#define IDLE_NS (5ull * CLOCK_NS_PER_S) ///< No loop sends frames any more, or has no time for this plugin
/// A plugin that holds on to a frame for this long is ended by the kernel, whoever else is dead.
#ifndef DEAD_MAN_S // a test has less patience
#define DEAD_MAN_S 30
#define DEAD_MAN_REARM_NS CLOCK_NS_PER_S
#endif
/// How often, in CPU time, a call is looked at that may not return: it is ended at the second look, after 15 ms at the most.
#define LOOK_CPU_MS 5u
/// What the kernel lets a real-time process use without a sleep before it tells it so: 10 ticks, fifty times the largest
/// budget.
#define CALL_CPU_MAX_MS 10u
/// CPU time of everything up to the end of create(). The dsp-helper waits 5 s, and cannot say what kept it.
#define CREATE_CPU_MAX_S 3u

/// A process that is awake this long before its frame is due pays for no wake-up: a timer of this kernel is late by
/// less, 99 times in 100.
#define AWAKE_BEFORE_NS 60000u
/// The loop is hardly ever later than this.
#define SPIN_AFTER_NS 100000u

typedef struct {
  PluginSegment shared;
  PluginVTable  plugin;
  Symbols       library;
  void*         state;
  int           dead_man; ///< Timers of the kernel, without the C library's names for them
  int           call_timer;
  uint32_t      sandbox; ///< SANDBOX_* bits
  uint64_t      armed_ns;
  uint64_t      mark_ns;
  uint64_t      mark_cpu_ns;
  uint64_t      clock_ns;    ///< What reading the clock of CPU time takes
  uint32_t      call_cpu_ns; ///< Of the call before
  bool          timed;       ///< There was one
  uint32_t      sequence;    ///< Of the newest frame; here, not in the report: that is the plugin's to scribble on
  bool          called;      ///< There was one
  size_t        config_bytes;
  uint8_t       config[CONFIG_BYTES_MAX];
} Dsp;

// ---------------------------------------------------------------- reporting

static void
tell(Dsp* const dsp, const ReportState state, const char* const text)
{
  snprintf(dsp->shared.report->message, sizeof dsp->shared.report->message, "%s", text);
  atomic_store(&dsp->shared.report->state, state);
  // Who asked may be gone, and nobody need have asked.
  filter_call(SYS_write, REPORT_FD, (long)(uintptr_t)text, (long)strlen(text), 0L);
  filter_call(SYS_close, REPORT_FD, 0L, 0L, 0L);
}

__attribute__((format(printf, 2, 3))) static bool
fail(Dsp* const dsp, const char* const format, ...)
{
  char    text[sizeof dsp->shared.report->message];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  tell(dsp, REPORT_FAILED, text);
  return false;
}

// ---------------------------------------------------------------- beginning

static bool
open_shared(Dsp* const dsp, const char* const path)
{
  const int error = plugin_segment_open_plugin(&dsp->shared, path);
  if (error) {
    fprintf(stderr, "wheel-dsp: %s: %s; it is started by the dsp-helper, which makes this file\n", path,
            error == EPROTO ? "this is no plugin segment of this version" : strerror(error));
    return false;
  }
  atomic_store(&dsp->shared.report->pid, (uint32_t)getpid());
  return true;
}

/// Reads at most `room` bytes of a file. Negative with errno when it cannot.
static ssize_t
read_file(const char* const path, uint8_t* const bytes, const size_t room)
{
  FILE* const file = fopen(path, "re");
  if (!file) { return -1; }
  const size_t length = fread(bytes, 1, room, file);
  const bool   whole  = !ferror(file) && feof(file);
  fclose(file);
  if (!whole) { errno = EFBIG; }
  return whole ? (ssize_t)length : -1;
}

static bool
read_config(Dsp* const dsp, const char* const path)
{
  const ssize_t length = read_file(path, dsp->config, sizeof dsp->config);
  if (length >= 0) {
    dsp->config_bytes = (size_t)length;
    return true;
  }
  if (errno == EFBIG) {
    return fail(dsp, "CONFIG_INVALID: its configuration has %d bytes or more; shorten its config.json", CONFIG_BYTES_MAX);
  }
  return fail(dsp, "CONFIG_INVALID: its configuration cannot be read (%s); start the rig again", strerror(errno));
}

static bool
open_symbols(Dsp* const dsp)
{
  const int error = symbols_open(&dsp->library, LIBRARY_FD);
  return !error || fail(dsp, "PLUGIN_INVALID: its library cannot be mapped (%s); build it for this machine with -shared -fPIC",
                        strerror(error));
}

/// Puts up the fence. What is opened or measured comes before it, the plugin's code after it.
static bool
fence(Dsp* const dsp, const char* const library_directory, const size_t memory_bytes)
{
  const int error = plugin_memory_begin(dsp->shared.report, memory_bytes);
  if (error) {
    return fail(dsp,
                "PLUGIN_FAILED: there is no room for the %zu bytes that it may allocate (%s); lower its max_memory_bytes, or "
                "free memory",
                memory_bytes, strerror(error));
  }
  if (!plugin_end_watch(dsp->shared.report, &dsp->library)) {
    return fail(dsp, "PLUGIN_FAILED: the system does not let its process handle signals (%s)", strerror(errno));
  }
  dsp->sandbox = sandbox_enter(library_directory, memory_bytes, LIBRARY_FD);
  atomic_store(&dsp->shared.report->sandbox, dsp->sandbox);
  const char line[] = {'f', 'e', 'n', 'c', 'e', ' ', (char)('0' + dsp->sandbox), '\n'};
  filter_call(SYS_write, REPORT_FD, (long)(uintptr_t)line, (long)sizeof line, 0L);
  sandbox_bound_cpu(CREATE_CPU_MAX_S);
  return true;
}

static bool
load(Dsp* const dsp)
{
  char text[PLUGIN_LIBRARY_TEXT];
  plugin_end_enter(PHASE_LOADING);
  if (!plugin_library_open(&dsp->plugin, LIBRARY_FD, text, sizeof text)) { return fail(dsp, "%s", text); }
  plugin_end_know(&dsp->plugin);
  close(LIBRARY_FD);
  return true;
}

static bool
create(Dsp* const dsp)
{
  plugin_end_enter(PHASE_CREATING);
  dsp->state = dsp->plugin.create(dsp->config_bytes ? dsp->config : NULL, dsp->config_bytes);
  plugin_end_enter(PHASE_IDLE);
  return dsp->state || fail(dsp, "PLUGIN_FAILED: create() returned NULL, its way to say that it cannot run; correct the "
                                 "plugin's config.json, or the plugin");
}

// ---------------------------------------------------------------- the dead man's switch

static void
set_timer(const int timer, const struct itimerspec* const time)
{
  filter_call(SYS_timer_settime, timer, 0L, (long)(uintptr_t)time, 0L);
}

static void
arm(Dsp* const dsp, const uint64_t now_ns)
{
  const struct itimerspec time = {.it_value = {.tv_sec = DEAD_MAN_S}};
  set_timer(dsp->dead_man, &time);
  dsp->armed_ns = now_ns;
}

static bool
make_timer(const clockid_t clock, const int number, int* const timer)
{
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL};
  event.sigev_signo     = number;
  return syscall(SYS_timer_create, clock, &event, timer) == 0;
}

static bool
make_timers(Dsp* const dsp)
{
  // SIGKILL cannot be caught, blocked or ignored by the plugin.
  if (!make_timer(CLOCK_MONOTONIC, SIGKILL, &dsp->dead_man) || !make_timer(CLOCK_THREAD_CPUTIME_ID, SIGXCPU, &dsp->call_timer)) {
    return fail(dsp, "PLUGIN_FAILED: the system has no timer for its process (%s); raise its limit of pending signals (ulimit -i)",
                strerror(errno));
  }
  arm(dsp, clock_now_ns());
  return true;
}

/// The door is shut from here on. Whatever the plugin did to the signals, they are ours again. The priority comes from the
/// loop (priority.h).
static bool
settle(Dsp* const dsp)
{
  sandbox_bound_cpu(0u);
  sandbox_settle(CALL_CPU_MAX_MS);
  // A look every so often: a timer for each call would be a system call more.
  const struct timespec   period = clock_timespec(LOOK_CPU_MS * (uint64_t)CLOCK_NS_PER_MS);
  const struct itimerspec time   = {.it_interval = period, .it_value = period};
  set_timer(dsp->call_timer, &time);
  if (plugin_end_watch(dsp->shared.report, &dsp->library) && (!(dsp->sandbox & SANDBOX_SECCOMP) || filter_serving())) { return true; }
  return fail(dsp, "PLUGIN_FAILED: the system does not let its process be fenced (%s)", strerror(errno));
}

// ---------------------------------------------------------------- frames

static uint32_t
saturate(const uint64_t ns)
{
  return ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

/// Remembers when this thread came to wait for a frame, and what it had used by then. What it uses from then on to the
/// frame is its own spin; what it uses beyond that is the plugin's.
static void
mark(Dsp* const dsp)
{
  dsp->mark_cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
  dsp->mark_ns     = clock_now_ns();
}

/// The least of a few times: what is more is somebody else's.
static void
measure_clock(Dsp* const dsp)
{
  dsp->clock_ns = UINT64_MAX;
  for (int i = 0; i < 16; ++i) {
    const uint64_t began_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    const uint64_t took_ns  = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - began_ns;
    if (took_ns < dsp->clock_ns) { dsp->clock_ns = took_ns; }
  }
}

/// Says that the plugin destroyed a ring, by a count there that cannot be. Only its newest call can have done it. False.
static bool
spoiled(const Dsp* const dsp, const bool output, const uint64_t count)
{
  plugin_end_ring(output, count, dsp->called ? PHASE_PROCESSING : PHASE_CREATING, dsp->sequence);
  return false;
}

/// Our own counts are as we left them, and the loop's can be. Looked at before the answer: after it the loop's next frame
/// sets its count right. Real-time.
static bool
is_whole(const Dsp* const dsp)
{
  const Ring* const from    = &dsp->shared.from;
  const Ring* const to      = &dsp->shared.to;
  const uint64_t    read    = atomic_load_explicit(&from->shared->read, memory_order_relaxed);
  const uint64_t    sent    = atomic_load_explicit(&from->shared->written, memory_order_relaxed);
  const uint64_t    written = atomic_load_explicit(&to->shared->written, memory_order_relaxed);
  if (read != from->own) { return spoiled(dsp, false, read); }
  if (sent - from->own > (uint64_t)from->mask + 1u) { return spoiled(dsp, false, sent); }
  return written == to->own || spoiled(dsp, true, written);
}

/// False when the plugin destroyed a ring meanwhile.
static bool
answer(Dsp* const dsp, FrameSlot* const frame)
{
  const uint64_t began_ns = clock_now_ns();
  frame->torque_out       = frame->ffb_in;
  dsp->sequence           = frame->sequence;
  dsp->called             = true;
  plugin_end_call(dsp->mark_cpu_ns);
  atomic_store_explicit(&dsp->shared.report->sequence, frame->sequence, memory_order_relaxed);
  plugin_end_enter(PHASE_PROCESSING);
  frame->result           = dsp->plugin.process(dsp->state, frame->ffb_in, frame->wheel_speed, frame->wheel_angle,
                                                frame->dt, &frame->torque_out);
  plugin_end_enter(PHASE_IDLE);
  frame->wall_ns          = saturate(clock_now_ns() - began_ns);
  frame->cpu_ns           = dsp->call_cpu_ns;
  frame->status           = dsp->timed ? FRAME_TIMED : 0u;
  if (!is_whole(dsp)) { return false; }
  const RingStatus st = ring_push(&dsp->shared.to, frame);
  if (st == RING_OK) { doorbell_ring(&dsp->shared.to); }
  if (st == RING_CORRUPT) { return spoiled(dsp, true, atomic_load(&dsp->shared.to.shared->read)); }

  // The answer is on its way: reading this clock is a system call, and is told with the next one. A spin that was
  // interrupted used less than its time, which then counts for the plugin and never against it.
  const uint64_t used_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - dsp->mark_cpu_ns;
  const uint64_t ours_ns = began_ns - dsp->mark_ns + dsp->clock_ns;
  dsp->call_cpu_ns       = used_ns > ours_ns ? saturate(used_ns - ours_ns) : 0u;
  dsp->timed             = true;
  return true;
}

/// When the next frame comes, as the loop told us with this one.
typedef struct {
  uint64_t at_ns; ///< 0: not told
  bool     yield;
} Expectation;

/// The loop is not believed further than a period beyond the slowest rate: a wait without a bell has to end.
static Expectation
expect(const uint64_t at_ns, const bool yield, const uint64_t now_ns)
{
  const bool         soon = at_ns > now_ns + AWAKE_BEFORE_NS && at_ns - now_ns < (RIG_EVERY_MAX + 1u) * (uint64_t)RIG_PERIOD_NS;
  const Expectation next = {.at_ns = soon ? at_ns : 0u, .yield = yield};
  return next;
}

/// Spins for a frame. What a spin used is its time, unless it gave way to others: then only the kernel knows.
static bool
spin(Dsp* const dsp, const Expectation next)
{
  const bool come = doorbell_spin(&dsp->shared.from, next.at_ns + SPIN_AFTER_NS, next.yield);
  if (come && next.yield) { mark(dsp); }
  return come;
}

/// Waits for a frame, awake when it is expected. True when there is one.
static bool
await_frame(Dsp* const dsp, const Expectation next, const uint64_t until_ns)
{
  const Ring* const ring = &dsp->shared.from;
  const bool        come = next.at_ns && doorbell_wait(ring, next.at_ns - AWAKE_BEFORE_NS, 0u);
  mark(dsp);
  if (come || (next.at_ns && spin(dsp, next))) { return true; }
  const bool late = doorbell_wait(ring, until_ns, 0u);
  mark(dsp);
  return late;
}

/// True when no frames come any more, false when the plugin destroyed a ring.
static bool
serve(Dsp* const dsp)
{
  Expectation next     = {.at_ns = 0u};
  uint64_t    last_ns  = clock_now_ns();
  uint64_t    left_out = 0u;
  for (uint64_t now_ns = last_ns; now_ns - last_ns <= IDLE_NS; now_ns = clock_now_ns()) {
    if (now_ns - dsp->armed_ns > DEAD_MAN_REARM_NS) { arm(dsp, now_ns); }
    const bool come = await_frame(dsp, next, now_ns + DEAD_MAN_REARM_NS);
    next.at_ns      = 0u;
    if (!come) {
      const uint64_t ticks = atomic_load_explicit(&dsp->shared.report->left_out, memory_order_relaxed);
      if (ticks != left_out) { last_ns = now_ns; }
      left_out = ticks;
      continue;
    }

    FrameSlot frame;
    // Something is there, so anything but a frame is a ring that somebody destroyed.
    if (ring_pop(&dsp->shared.from, &frame) != RING_OK) {
      return spoiled(dsp, false, atomic_load(&dsp->shared.from.shared->written));
    }
    const uint64_t next_ns = frame.reserved;
    const bool     yield   = frame.status & FRAME_YIELD;
    if (!answer(dsp, &frame)) { return false; }
    last_ns = clock_now_ns();
    next    = expect(next_ns, yield, last_ns);
  }
  return true;
}

static bool
read_bytes(const char* const text, size_t* const bytes)
{
  char* end   = NULL;
  errno       = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  *bytes      = (size_t)value;
  return !errno && end != text && !*end && value >= PLUGIN_MEMORY_BYTES_MIN && value <= PLUGIN_MEMORY_BYTES_MAX;
}

static bool
is_sealed(Dsp* const dsp)
{
  char text[PLUGIN_LIBRARY_TEXT];
  return plugin_library_is_sealed(LIBRARY_FD, text, sizeof text) || fail(dsp, "%s", text);
}

int
main(const int argc, char** const argv)
{
  size_t memory_bytes = 0u;
  if (argc != 5 || !read_bytes(argv[4], &memory_bytes)) {
    fprintf(stderr,
            "wheel-dsp: usage: wheel-dsp SEGMENT LIBRARY_DIRECTORY CONFIG MEMORY_BYTES (%u to %u), with the library, a sealed "
            "memfd, on file descriptor %d\n",
            PLUGIN_MEMORY_BYTES_MIN, PLUGIN_MEMORY_BYTES_MAX, LIBRARY_FD);
    return 4;
  }
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, NULL);
  sigaction(SIGXFSZ, &ignore, NULL); // what it writes to the log is refused, and no crash

  // Before the fence; whether it is granted, the loop's log says. To come first is for frames that are finished without
  // the loop's priority.
  (void)realtime_leave_core();
  (void)realtime_come_first();
  static Dsp dsp;
  const bool ready = open_shared(&dsp, argv[1]) && is_sealed(&dsp) && open_symbols(&dsp) && read_config(&dsp, argv[3]) &&
                     make_timers(&dsp) && fence(&dsp, argv[2], memory_bytes) && load(&dsp) && create(&dsp) && settle(&dsp);
  int status = 1;
  if (ready) {
    measure_clock(&dsp);
    tell(&dsp, REPORT_READY, "ready");
    // One that destroys a ring is called no more.
    if (serve(&dsp)) {
      status = 0;
      plugin_end_enter(PHASE_DESTROYING);
      dsp.plugin.destroy(dsp.state);
    }
  }
  // Not return: what the plugin or its libraries left to be done at the end is not to be done.
  filter_call(SYS_exit_group, status, 0L, 0L, 0L);
  return status;
}
