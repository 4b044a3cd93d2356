/// wheel-dsp SEGMENT LIBRARY CONFIG
///
/// Runs one Fast plugin: LIBRARY, created with the text of CONFIG, fed by the rings
/// of the shared memory file SEGMENT. Says on file descriptor 3, once, how it began:
/// `ready`, or a failure code and a sentence.
///
/// It needs nobody but the loop: without a frame for 5 s it ends, and if its plugin
/// never returns the kernel ends it (a timer whose signal is SIGKILL).

#include "../sdk/c/plugin.h"
#include "clock.h"
#include "doorbell.h"
#include "plugin_segment.h"
#include "realtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_FD 3
#define CONFIG_BYTES_MAX 65536
#define IDLE_NS (5ull * CLOCK_NS_PER_S) ///< No loop sends frames any more
/// A plugin that holds on to a frame for this long is ended by the kernel, whoever else is dead.
#define DEAD_MAN_S 30
#define DEAD_MAN_REARM_NS CLOCK_NS_PER_S
/// CPU time of one call after which the kernel ends the process. The dsp-helper ends it after 500 ms, if it gets a turn.
#define CALL_CPU_MAX_MS 1000u

/// A process that is awake this long before its frame is due pays for no wake-up: a timer of this kernel is late by
/// less, 99 times in 100.
#define AWAKE_BEFORE_NS 60000u
/// The loop is hardly ever later than this.
#define SPIN_AFTER_NS 100000u

typedef struct {
  PluginSegment shared;
  PluginVTable  plugin;
  void*         state;
  timer_t       dead_man;
  uint64_t      armed_ns;
  uint64_t      mark_ns;
  uint64_t      mark_cpu_ns;
  uint32_t      call_cpu_ns; ///< Of the call before
  bool          timed;       ///< There was one
} Dsp;

// ---------------------------------------------------------------- reporting

static void
tell(Dsp* const dsp, const ReportState state, const char* const text)
{
  snprintf(dsp->shared.report->message, sizeof dsp->shared.report->message, "%s", text);
  atomic_store(&dsp->shared.report->state, state);
  // Who asked may be gone, and nobody need have asked.
  const ssize_t written = write(REPORT_FD, text, strlen(text));
  (void)written;
  close(REPORT_FD);
}

__attribute__((format(printf, 2, 3))) static int
fail(Dsp* const dsp, const char* const format, ...)
{
  char    text[sizeof dsp->shared.report->message];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  tell(dsp, REPORT_FAILED, text);
  return 1;
}

// ---------------------------------------------------------------- beginning

static int
open_shared(Dsp* const dsp, const char* const path)
{
  const int error = plugin_segment_open_plugin(&dsp->shared, path);
  if (error) {
    fprintf(stderr, "wheel-dsp: %s: %s; it is started by the dsp-helper, which makes this file\n", path,
            error == EPROTO ? "this is no plugin segment of this version" : strerror(error));
    return 1;
  }
  atomic_store(&dsp->shared.report->pid, (uint32_t)getpid());
  return 0;
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

/// What the linker says, without the path that it begins with: who asked knows the library by another one.
static const char*
linker_reason(const char* const path)
{
  const char* const reason = dlerror();
  const size_t      length = strlen(path);
  return strncmp(reason, path, length) || strncmp(reason + length, ": ", 2) ? reason : reason + length + 2;
}

static const char*
left_out(const PluginVTable* const plugin)
{
  return !plugin->create    ? "create"
         : !plugin->process ? "process"
         : !plugin->destroy ? "destroy"
         : !plugin->get_info ? "get_info"
                             : NULL;
}

static int
load(Dsp* const dsp, const char* const path)
{
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return fail(dsp, "PLUGIN_INVALID: it cannot be loaded as a library (%s); build it for this machine with -shared -fPIC",
                linker_reason(path));
  }

  PluginVTable (*get_plugin_vtable_of)(void) = NULL;
  *(void**)&get_plugin_vtable_of             = dlsym(library, "get_plugin_vtable");
  if (!get_plugin_vtable_of) {
    return fail(dsp, "PLUGIN_INVALID: the library exports no get_plugin_vtable(); export it with C linkage");
  }
  dsp->plugin               = get_plugin_vtable_of();
  const char* const missing = left_out(&dsp->plugin);
  if (missing) {
    return fail(dsp, "PLUGIN_INVALID: get_plugin_vtable() leaves out %s(); it must return all four functions of sdk/c/plugin.h",
                missing);
  }
  const uint32_t actual = dsp->plugin.get_info().abi_version;
  if (actual != PLUGIN_ABI_VERSION) {
    return fail(dsp,
                "PLUGIN_ABI_MISMATCH: built for ABI version %u, this platform has %u (AbiMismatch { expected: %u, actual: "
                "%u }); compile it against the sdk/c/plugin.h of this version",
                (unsigned)actual, (unsigned)PLUGIN_ABI_VERSION, (unsigned)PLUGIN_ABI_VERSION, (unsigned)actual);
  }
  return 0;
}

static int
create(Dsp* const dsp, const char* const config_path)
{
  static uint8_t config[CONFIG_BYTES_MAX];
  const ssize_t  length = read_file(config_path, config, sizeof config);
  if (length < 0 && errno == EFBIG) {
    return fail(dsp, "CONFIG_INVALID: its configuration has %d bytes or more; shorten its config.json", CONFIG_BYTES_MAX);
  }
  if (length < 0) {
    return fail(dsp, "CONFIG_INVALID: its configuration cannot be read (%s); start the rig again", strerror(errno));
  }
  dsp->state = dsp->plugin.create(length ? config : NULL, (size_t)length);
  return dsp->state ? 0
                    : fail(dsp, "PLUGIN_FAILED: create() returned NULL, its way to say that it cannot run; correct the "
                                "plugin's config.json, or the plugin");
}

// ---------------------------------------------------------------- the dead man's switch

static void
arm(Dsp* const dsp, const uint64_t now_ns)
{
  const struct itimerspec time = {.it_value = {.tv_sec = DEAD_MAN_S}};
  timer_settime(dsp->dead_man, 0, &time, NULL);
  dsp->armed_ns = now_ns;
}

static int
make_dead_man(Dsp* const dsp)
{
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL};
  event.sigev_signo     = SIGKILL; // cannot be caught, blocked or ignored by the plugin
  if (timer_create(CLOCK_MONOTONIC, &event, &dsp->dead_man)) {
    return fail(dsp, "PLUGIN_FAILED: the system has no timer for its process (%s); raise its limit of pending signals (ulimit -i)",
                strerror(errno));
  }
  arm(dsp, clock_now_ns());
  return 0;
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

static void
answer(Dsp* const dsp, FrameSlot* const frame)
{
  const uint64_t began_ns = clock_now_ns();
  frame->torque_out       = frame->ffb_in;
  frame->result           = dsp->plugin.process(dsp->state, frame->ffb_in, frame->wheel_speed, frame->wheel_angle,
                                                frame->dt, &frame->torque_out);
  frame->wall_ns          = saturate(clock_now_ns() - began_ns);
  frame->cpu_ns           = dsp->call_cpu_ns;
  frame->status           = dsp->timed ? FRAME_TIMED : 0u;
  if (ring_push(&dsp->shared.to, frame) == RING_OK) { doorbell_ring(&dsp->shared.to); }

  // The answer is on its way: reading this clock is a system call, and is told with the next one. A spin that was
  // interrupted used less than its time, which then counts for the plugin and never against it.
  const uint64_t used_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - dsp->mark_cpu_ns;
  const uint64_t spun_ns = began_ns - dsp->mark_ns;
  dsp->call_cpu_ns       = used_ns > spun_ns ? saturate(used_ns - spun_ns) : 0u;
  dsp->timed             = true;
}

/// When the next frame comes, as the loop told us with this one.
typedef struct {
  uint64_t at_ns; ///< 0: not told
  bool     yield;
} Expectation;

/// The loop is not believed further than two periods: a spin has to end.
static Expectation
expect(const uint64_t at_ns, const bool yield, const uint64_t now_ns)
{
  const bool         soon = at_ns > now_ns + AWAKE_BEFORE_NS && at_ns - now_ns < 2u * (uint64_t)RIG_PERIOD_NS;
  const Expectation next = {.at_ns = soon ? at_ns : 0u, .yield = yield};
  return next;
}

/// Waits for a frame, awake when it is expected. True when there is one.
static bool
await_frame(Dsp* const dsp, const Expectation next, const uint64_t until_ns)
{
  const Ring* const ring = &dsp->shared.from;
  const bool        come = next.at_ns && doorbell_wait(ring, next.at_ns - AWAKE_BEFORE_NS, 0u);
  mark(dsp);
  if (come || (next.at_ns && doorbell_spin(ring, next.at_ns + SPIN_AFTER_NS, next.yield))) { return true; }
  const bool late = doorbell_wait(ring, until_ns, 0u);
  mark(dsp);
  return late;
}

static int
serve(Dsp* const dsp)
{
  Expectation next    = {.at_ns = 0u};
  uint64_t    last_ns = clock_now_ns();
  for (uint64_t now_ns = last_ns; now_ns - last_ns <= IDLE_NS; now_ns = clock_now_ns()) {
    if (now_ns - dsp->armed_ns > DEAD_MAN_REARM_NS) { arm(dsp, now_ns); }
    const bool come = await_frame(dsp, next, now_ns + DEAD_MAN_REARM_NS);
    next.at_ns      = 0u;
    if (!come) { continue; }

    FrameSlot frame;
    // Something is there, so anything but a frame is a ring that somebody destroyed.
    if (ring_pop(&dsp->shared.from, &frame) != RING_OK) { return 1; }
    const uint64_t next_ns = frame.reserved;
    const bool     yield   = frame.status & FRAME_YIELD;
    answer(dsp, &frame);
    last_ns = clock_now_ns();
    next    = expect(next_ns, yield, last_ns);
  }
  return 0;
}

int
main(const int argc, char** const argv)
{
  if (argc != 4) {
    fputs("wheel-dsp: usage: wheel-dsp SEGMENT LIBRARY CONFIG\n", stderr);
    return 4;
  }
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, NULL);

  static Dsp dsp;
  if (open_shared(&dsp, argv[1]) || load(&dsp, argv[2]) || make_dead_man(&dsp) || create(&dsp, argv[3])) { return 1; }
  // Whether these are granted is in the log of the loop, which asks for the same; a plugin runs without them too.
  (void)realtime_bound_cpu(CALL_CPU_MAX_MS);
  (void)realtime_leave_core();
  (void)realtime_schedule(REALTIME_PLUGIN_PRIORITY);
  (void)realtime_lock_memory();
  tell(&dsp, REPORT_READY, "ready");
  const int st = serve(&dsp);
  dsp.plugin.destroy(dsp.state);
  return st;
}
