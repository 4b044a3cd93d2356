/// wheel-rt DIRECTORY HOST_LOCK
///
/// Owns the loop of one rig. DIRECTORY holds the rig's shared memory; HOST_LOCK is
/// the file that a running host keeps locked.
///
/// The main thread prepares what the loop works by; the loop has a thread of its
/// own. It needs nobody: it ends when it is told to (SIGTERM, or `stop` in the
/// control cell), or when nobody has published a control for 30 s.

#include "clock.h"
#include "loop.h"
#include "realtime.h"
#include "segment.h"
#include "telemetry.h"
#include "truncation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_NS (30ull * CLOCK_NS_PER_S) ///< Without a publication for this long, nobody wants this loop
#define CONTROL_PERIOD_NS 2000000u        ///< How often the main thread looks for a new control
#define HANDOVER_WAIT_NS 1000000u
#define ESTOP_LOOK_NS 100000000u ///< How often the main thread looks whether the file of the emergency stop is still ours
/// A loop that has not ticked for this long has lost its core to somebody of its priority or above. Pauses of the
/// machine are shorter, and an input that is this old is not yet silent.
#define STARVED_NS 20000000u
#define PATH_BYTES 4096
#define STACK_TOUCHED_BYTES (64u * 1024u)
/// The usual 8 MiB of a thread are as much as a user may keep in memory altogether.
#define STACK_BYTES (256u * 1024u)

static volatile sig_atomic_t asked_to_end;

/// The loop's thread, and the cores that it could have.
typedef struct {
  pthread_t thread;
  cpu_set_t cores;
  uint64_t  began_ns;
  bool      free; ///< It is no longer bound to one of them
} LoopCores;

static void
on_signal(const int number)
{
  (void)number;
  asked_to_end = 1;
}

static void
say(const char* const what, const char* const why)
{
  fprintf(stderr, "wheel-rt: %s%s%s\n", what, why ? ": " : "", why ? why : "");
}

// ---------------------------------------------------------------- shared memory

static bool
init_status(void* const memory, const size_t bytes, const void* const what)
{
  (void)bytes;
  (void)what;
  RigStatus* const status = memory;
  status->version         = RIG_VERSION;
  atomic_store(&status->magic, RIG_MAGIC);
  return true;
}

static bool
init_ring(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  return ring_create(memory, bytes, sizeof(FrameSlot), RIG_RING_SLOTS, 0u) == RING_OK;
}

static bool
init_latest(void* const memory, const size_t bytes, const void* const what)
{
  return latest_create(memory, bytes, *(const uint32_t*)what);
}

static void*
open_file(const char* const directory, const char* const name, const size_t bytes, const SegmentInit init,
          const void* const what)
{
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  Segment   segment = {.memory = NULL};
  const int error   = segment_open_or_create(&segment, path, bytes, init, what);
  if (error) { say(path, error == EPROTO ? "made by another version; end the rig and remove it" : strerror(error)); }
  return segment.memory; // mapped until the process ends
}

/// The file that `name` names now.
static ino_t
file_of(const char* const directory, const char* const name)
{
  char        path[PATH_BYTES];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return stat(path, &info) == 0 ? info.st_ino : 0u;
}

static bool
open_latest(Latest* const latest, const char* const directory, const char* const name, const uint32_t value_size)
{
  const size_t bytes  = latest_bytes(value_size);
  void* const  memory = open_file(directory, name, bytes, init_latest, &value_size);
  return memory && latest_open(latest, memory, bytes, value_size);
}

/// One loop to a rig: two would count in the same status and eat the same input. The lock lasts as long as the process.
static bool
claim_rig(const char* const directory)
{
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/loop.lock", directory);
  const int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) { return true; }
  say(path, errno == EWOULDBLOCK ? "another loop drives this rig" : strerror(errno));
  return false;
}

static bool
open_rig(Loop* const loop, Latest* const control, const char* const directory)
{
  loop->status       = open_file(directory, "rig", sizeof(RigStatus), init_status, NULL);
  void* const input  = open_file(directory, "input", PLUGIN_RING_BYTES, init_ring, NULL);
  void* const output = open_file(directory, "output", PLUGIN_RING_BYTES, init_ring, NULL);
  if (!loop->status || !input || !output) { return false; }
  if (atomic_load(&loop->status->magic) != RIG_MAGIC || loop->status->version != RIG_VERSION) {
    say("rig", "made by another version; end the rig and remove it");
    return false;
  }
  if (ring_open_reader(&loop->input, input, PLUGIN_RING_BYTES) != RING_OK ||
      ring_open_writer(&loop->output, output, PLUGIN_RING_BYTES) != RING_OK) {
    say("input and output", "no rings");
    return false;
  }
  return open_latest(control, directory, "control", sizeof(RigControl)) &&
         open_latest(&loop->scalar, directory, "scalar", sizeof(SafeScalar)) &&
         open_latest(&loop->estop, directory, "estop", sizeof(RigEstop));
}

// ---------------------------------------------------------------- the loop's thread

static void*
loop_thread(void* const argument)
{
  Loop* const loop = argument;
  // The stack that the loop may need exists before the first tick.
  volatile uint8_t stack[STACK_TOUCHED_BYTES];
  for (size_t i = 0; i < sizeof stack; i += 4096u) { stack[i] = 0; }

  (void)realtime_take_core();
  const bool realtime = realtime_schedule(REALTIME_LOOP_PRIORITY);
  atomic_store(&loop->status->realtime, realtime ? 1u : 0u);
  if (!realtime) { say("no SCHED_FIFO, ticks will be late under load", strerror(errno)); }
  loop_run(loop);
  return NULL;
}

/// An errno.
static int
create_thread(pthread_t* const thread, Loop* const loop)
{
  pthread_attr_t attributes;
  int            error = pthread_attr_init(&attributes);
  if (error) { return error; }
  error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
  if (!error) { error = pthread_create(thread, &attributes, loop_thread, loop); }
  pthread_attr_destroy(&attributes);
  return error;
}

static bool
start_loop(Loop* const loop, LoopCores* const cores)
{
  RigStatus* const status = loop->status;
  atomic_fetch_add(&status->generation, 1u);
  atomic_store(&status->pid, (uint32_t)getpid());
  cores->began_ns = clock_now_ns();
  const int error = sched_getaffinity(0, sizeof cores->cores, &cores->cores) ? errno : create_thread(&cores->thread, loop);
  if (error) { say("no thread for the loop", strerror(error)); }

  const bool locked = realtime_lock_memory(); // with the thread's stack
  atomic_store(&status->memory_locked, locked ? 1u : 0u);
  if (!locked) { say("no mlockall, a page that is swapped out stalls the loop", strerror(errno)); }
  atomic_store(&status->state, error ? RIG_ENDED : RIG_RUNNING);
  return !error;
}

// ---------------------------------------------------------------- control

static void
sleep_ns(const uint64_t ns)
{
  const struct timespec time = clock_timespec(ns);
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/// Hands the loop a new plan and takes the old one apart once the loop has let go of it. True when the plan is not
/// all that was asked for because of what the old one held.
static bool
hand_over(Loop* const loop, const RigControl* const control, const char* const directory)
{
  Plan* const previous = atomic_load(&loop->handover.wanted);
  Plan* const plan     = plan_build(control, previous, directory, loop->status);
  if (!plan) { return false; }
  atomic_store_explicit(&loop->handover.wanted, plan, memory_order_release);
  while (previous && atomic_load_explicit(&loop->handover.in_use, memory_order_acquire) != plan &&
         atomic_load(&loop->status->state) == RIG_RUNNING) {
    sleep_ns(HANDOVER_WAIT_NS);
  }
  plan_release(previous, plan);
  return plan->again;
}

static void
apply(Loop* const loop, const RigControl* const control, const char* const directory)
{
  // Once more at the most: what is left out then asks for a slot that an earlier place has.
  if (hand_over(loop, control, directory)) { (void)hand_over(loop, control, directory); }
}

/// Everything but the lease: what a plan is made from.
static bool
same_wish(const RigControl* const a, const RigControl* const b)
{
  RigControl x = *a;
  RigControl y = *b;
  x.lease_ns   = 0u;
  y.lease_ns   = 0u;
  return memcmp(&x, &y, sizeof x) == 0;
}

/// A core of its own makes the loop exact; when it turns out to be somebody else's, any core is better.
static void
free_starved(const Loop* const loop, LoopCores* const cores)
{
  const uint64_t beat_ns  = atomic_load_explicit(&loop->status->beat_ns, memory_order_relaxed);
  const uint64_t since_ns = beat_ns > cores->began_ns ? beat_ns : cores->began_ns; // the beat may be a loop's before us
  const uint64_t now_ns   = clock_now_ns();
  if (cores->free || now_ns < since_ns || now_ns - since_ns < STARVED_NS) { return; }
  cores->free = pthread_setaffinity_np(cores->thread, sizeof cores->cores, &cores->cores) == 0;
  say("the loop did not tick for 20 ms, somebody holds its core; it may use the others from now on", NULL);
}

/// Follows the control cell until the loop is to end. Returns why.
static const char*
follow_control(Loop* const loop, const Latest* const cell, RigControl* const control, const char* const directory,
               LoopCores* const cores)
{
  const ino_t estop   = file_of(directory, "estop");
  uint64_t    look_ns = 0u;
  for (;;) {
    free_starved(loop, cores);
    RigControl newest = *control;
    if (latest_read(cell, &newest)) {
      if (!same_wish(&newest, control)) { apply(loop, &newest, directory); }
      *control = newest;
    }
    if (asked_to_end) { return "asked to end"; }
    if (control->stop) { return "told to stop"; }
    const uint64_t now_ns = clock_now_ns();
    // Whoever stops the rig now writes into another file, which the next loop reads.
    if (now_ns >= look_ns) {
      if (file_of(directory, "estop") != estop) { return "the file of the emergency stop is another one or gone"; }
      look_ns = now_ns + ESTOP_LOOK_NS;
    }
    if (now_ns > control->lease_ns && now_ns - control->lease_ns > LEASE_NS) { return "nobody has wanted this rig for 30 s"; }
    sleep_ns(CONTROL_PERIOD_NS);
  }
}

// ---------------------------------------------------------------- the end

/// Removes the rig's shared memory, unless a host runs: then it is the host's to keep or remove.
static void
clean_up(const char* const directory, const char* const host_lock)
{
  const int lock = open(host_lock, O_RDWR | O_CLOEXEC);
  if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB)) { return; }
  DIR* const listing = opendir(directory);
  if (!listing) { return; }
  for (const struct dirent* entry = readdir(listing); entry; entry = readdir(listing)) {
    if (entry->d_name[0] != '.') { unlinkat(dirfd(listing), entry->d_name, 0); }
  }
  closedir(listing);
  rmdir(directory);
}

int
main(const int argc, char** const argv)
{
  if (argc != 3) {
    say("usage", "wheel-rt DIRECTORY HOST_LOCK");
    return 4;
  }
  const struct sigaction end    = {.sa_handler = on_signal};
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGINT, &end, NULL);
  sigaction(SIGPIPE, &ignore, NULL);
  if (!truncation_survive()) { say("no handler for SIGBUS, a shared file that is cut ends the loop", strerror(errno)); }

  static Loop loop;
  Latest      cell;
  if (!claim_rig(argv[1]) || !open_rig(&loop, &cell, argv[1])) { return 5; }

  // Without a control there is a plan without plugins and without torque, leased from now.
  RigControl control = {.lease_ns = clock_now_ns()};
  RigControl newest;
  if (latest_read(&cell, &newest)) { control = newest; }
  apply(&loop, &control, argv[1]);
  loop.ffb_scalar = control.gain;

  LoopCores cores = {.free = false};
  if (!atomic_load(&loop.handover.wanted) || !start_loop(&loop, &cores)) { return 1; }
  say(follow_control(&loop, &cell, &control, argv[1], &cores), NULL);

  atomic_store(&loop.stop, true);
  pthread_join(cores.thread, NULL);
  atomic_store(&loop.status->state, RIG_ENDED);
  clean_up(argv[1], argv[2]);
  return 0;
}
