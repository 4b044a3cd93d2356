#include "pair.h"

#include "../../native/clock.h"
#include "../../native/realtime.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// Not measured: connections are made and pages touched in these.
#define WARM_UP_ROUNDS 100u

static int         priority;
static const char* address;

typedef struct {
  Histogram round_trip;
  uint64_t  missed_ticks;
} Measured;

int
pair_priority(void)
{
  return priority;
}

const char*
pair_address(void)
{
  return address;
}

unsigned
pair_milliseconds(const char* const text)
{
  char*               end   = NULL;
  const unsigned long value = strtoul(text, &end, 10);
  return end != text && !*end && value <= 600000u ? (unsigned)value : 0u;
}

/// The class, the priority and the core that the loop and a plugin's process have.
static void
become_realtime(const int wanted)
{
  (void)(wanted == REALTIME_LOOP_PRIORITY ? realtime_take_core() : realtime_leave_core());
  priority = realtime_schedule(wanted) ? wanted : 0;
  (void)realtime_lock_memory();
}

/// Wakes at each tick, as the loop does. Ticks that were lost are counted and not made up for.
static bool
ask(const Pair* const pair, const uint64_t rounds, Measured* const measured)
{
  uint64_t due_ns = clock_now_ns() + RIG_PERIOD_NS;
  for (uint64_t i = 0u; i < rounds; ++i) {
    const struct timespec due = clock_timespec(due_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {}
    const uint64_t late_ns = clock_now_ns() - due_ns;
    const uint64_t lost    = late_ns / RIG_PERIOD_NS;
    const uint64_t next_ns = due_ns + (lost + 1u) * RIG_PERIOD_NS;

    FrameSlot      slot    = {.timestamp_ns = due_ns, .sequence = (uint32_t)i, .reserved = next_ns};
    const uint64_t sent_ns = clock_now_ns();
    if (!pair->exchange(&slot)) { return false; }
    histogram_record(&measured->round_trip, clock_now_ns() - sent_ns);
    measured->missed_ticks += lost;
    i += lost;
    due_ns = next_ns;
  }
  return true;
}

static void
print(Measured* const measured, const uint64_t cpu_ns, const uint64_t wall_ns)
{
  printf("{\"realtime\":%s,\"wall_ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64 ",\"missed\":%" PRIu64, priority ? "true" : "false",
         wall_ns, cpu_ns, measured->missed_ticks);
  printf(",\"round_trip\":{\"max_ns\":%" PRIu64 ",\"buckets\":[", atomic_load(&measured->round_trip.max_ns));
  const char* comma = "";
  for (uint32_t i = 0u; i < HISTOGRAM_BUCKETS; ++i) {
    const uint64_t count = atomic_load(&measured->round_trip.counts[i]);
    if (!count) { continue; }
    printf("%s[%" PRIu64 ",%" PRIu64 "]", comma, histogram_upper_bound_ns(i), count);
    comma = ",";
  }
  puts("]}}");
}

static bool
measure(const Pair* const pair, const unsigned milliseconds, const clockid_t answering)
{
  static Measured warm_up;
  static Measured measured;
  if (!pair->open() || !ask(pair, WARM_UP_ROUNDS, &warm_up)) { return false; }

  const uint64_t cpu_ns  = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) + clock_read_ns(answering);
  const uint64_t wall_ns = clock_now_ns();
  if (!ask(pair, milliseconds, &measured)) { return false; }
  const uint64_t wall_end_ns = clock_now_ns();
  const uint64_t cpu_end_ns  = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) + clock_read_ns(answering);

  FrameSlot last = {.status = PAIR_LAST};
  if (!pair->exchange(&last)) { return false; }
  print(&measured, cpu_end_ns - cpu_ns, wall_end_ns - wall_ns);
  return true;
}

int
pair_run(const int argc, char** const argv, const Pair* const pair)
{
  const unsigned milliseconds = argc > 1 ? pair_milliseconds(argv[1]) : 0u;
  if (!milliseconds) {
    fprintf(stderr, "usage: %s MILLISECONDS [ADDRESS]\n", argv[0]);
    return 4;
  }
  address = argc > 2 ? argv[2] : "";

  const pid_t child = fork();
  if (child < 0) {
    perror(argv[0]);
    return 1;
  }
  if (!child) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    become_realtime(REALTIME_PLUGIN_PRIORITY);
    exit(pair->serve() ? 0 : 1); // not _exit(): a transport may have something to take back
  }
  become_realtime(REALTIME_LOOP_PRIORITY);
  clockid_t  answering = CLOCK_PROCESS_CPUTIME_ID;
  const bool measured  = clock_getcpuclockid(child, &answering) == 0 && measure(pair, milliseconds, answering);
  if (!measured) { kill(child, SIGKILL); }
  waitpid(child, NULL, 0);
  return measured ? 0 : 1;
}
