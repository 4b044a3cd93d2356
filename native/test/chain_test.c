/// A Fast plugin as the loop sees it, on a real segment. Where a test needs an answer in time it gives it seconds,
/// not the loop's 800 µs: nothing here depends on how busy the machine is.
#include "../chain.h"
#include "../clock.h"
#include "../doorbell.h"
#include "check.h"
#include "shm_directory.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define BUDGET_US 10000000u ///< More than CHECK_WATCHDOG_NS: the deadline ends the wait, not the budget

typedef struct {
  ShmDirectory  directory;
  RigPlugin     count;
  Link          link;
  PluginSegment plugin; ///< The other side, for tests that play the plugin themselves
  uint32_t      sequence;
} Bench;

static Bench*
bench(const uint32_t budget_us)
{
  Bench* const self = calloc(1, sizeof *self);
  NEED(self);
  self->directory    = shm_directory();
  const ShmPath file = shm_path(&self->directory, "plugin-7");
  NEED(plugin_segment_create(file.path) == 0);
  const ControlEntry entry = {.instance = 7u, .budget_us = budget_us};
  atomic_store(&self->count.instance, entry.instance); // as plan_build does
  NEED(link_open(&self->link, self->directory.path, entry, &self->count) == 0);
  NEED(plugin_segment_open_plugin(&self->plugin, file.path) == 0);
  return self;
}

static void
clear(Bench* const self)
{
  link_close(&self->link);
  link_close(&self->link);
  plugin_segment_close(&self->plugin);
  shm_remove(&self->directory);
  free(self);
}

/// One tick whose deadline is `wait_ns` away.
static float
tick_at(Bench* const self, const uint32_t every, const float ffb_in, const uint64_t wait_ns)
{
  const uint64_t  now_ns = clock_now_ns();
  ChainTick       t      = {.due_ns = now_ns, .deadline_ns = now_ns + wait_ns, .spin_ns = 30000u, .sequence = ++self->sequence,
                            .wheel_angle = 0.25f, .wheel_speed = -2.0f};
  return link_step(&self->link, &t, every, ffb_in);
}

static float
tick(Bench* const self, const float ffb_in, const uint64_t wait_ns)
{
  return tick_at(self, 1u, ffb_in, wait_ns);
}

/// Ticks with a short deadline until a frame was sent; a busy machine may let some pass before. Returns how many
/// ticks went on without an answer.
static uint64_t
send_one(Bench* const self, const float ffb_in)
{
  const uint64_t sent   = atomic_load(&self->count.sent);
  const uint64_t missed = atomic_load(&self->count.missed_deadlines);
  while (atomic_load(&self->count.sent) == sent) { CHECK(tick(self, ffb_in, CLOCK_NS_PER_MS) == ffb_in); }
  return atomic_load(&self->count.missed_deadlines) - missed;
}

/// Takes the frame that the loop sent, as the plugin does.
static FrameSlot
take_frame(Bench* const self)
{
  FrameSlot frame = {0};
  CHECK(ring_pop(&self->plugin.from, &frame) == RING_OK);
  frame.torque_out = frame.ffb_in * 2.0f;
  return frame;
}

// ---------------------------------------------------------------- a plugin that answers

typedef void (*Vice)(FrameSlot* frame);

typedef struct {
  Bench*      bench;
  Vice        vice;
  pthread_t   thread;
  atomic_bool end;
} Plugin;

static void*
plugin_thread(void* const argument)
{
  Plugin* const        self   = argument;
  PluginSegment* const shared = &self->bench->plugin;
  while (!atomic_load(&self->end)) {
    FrameSlot frame;
    if (!doorbell_wait(&shared->from, clock_now_ns() + CLOCK_NS_PER_MS, 0u)) { continue; }
    if (!CHECK(ring_pop(&shared->from, &frame) == RING_OK)) { break; }
    frame.torque_out = frame.ffb_in * 2.0f;
    frame.cpu_ns     = 1000u;
    frame.status     = FRAME_TIMED;
    frame.result     = 0;
    if (self->vice) { self->vice(&frame); }
    CHECK(ring_push(&shared->to, &frame) == RING_OK);
    doorbell_ring(&shared->to);
  }
  return NULL;
}

static Plugin*
start(Bench* const b, const Vice vice)
{
  Plugin* const self = calloc(1, sizeof *self);
  NEED(self);
  self->bench = b;
  self->vice  = vice;
  NEED(pthread_create(&self->thread, NULL, plugin_thread, self) == 0);
  return self;
}

static void
stop(Plugin* const self)
{
  atomic_store(&self->end, true);
  pthread_join(self->thread, NULL);
  free(self);
}

static void
answers_are_used(void)
{
  Bench* const  b      = bench(BUDGET_US);
  Plugin* const plugin = start(b, NULL);
  for (uint32_t i = 1; i <= 1000u; ++i) {
    const float nm = 0.01f * (float)i;
    CHECK(tick(b, nm, CHECK_WATCHDOG_NS) == 2.0f * nm);
  }
  stop(plugin);
  CHECK(atomic_load(&b->count.sent) == 1000u && atomic_load(&b->count.executions) == 1000u);
  CHECK(atomic_load(&b->count.missed_deadlines) == 0u && atomic_load(&b->count.failures) == 0u);
  CHECK(atomic_load(&b->count.cpu.max_ns) == 1000u && atomic_load(&b->count.round_trip.max_ns) > 0u);
  clear(b);
}

static void
old_answers_are_skipped(void)
{
  Bench* const    b   = bench(BUDGET_US);
  const FrameSlot old = {.sequence = 1u, .torque_out = 99.0f};
  for (int i = 0; i < 5; ++i) { CHECK(ring_push(&b->plugin.to, &old) == RING_OK); }
  Plugin* const plugin = start(b, NULL);
  CHECK(tick(b, 3.0f, CHECK_WATCHDOG_NS) == 6.0f);
  stop(plugin);
  CHECK(atomic_load(&b->count.executions) == 1u && atomic_load(&b->count.missed_deadlines) == 0u);
  clear(b);
}

static void
fails(FrameSlot* const frame)
{
  frame->result = -3;
}

static void
answers_nan(FrameSlot* const frame)
{
  frame->torque_out = NAN;
}

static void
answers_infinity(FrameSlot* const frame)
{
  frame->torque_out = -INFINITY;
}

static void
answers_hugely(FrameSlot* const frame)
{
  frame->torque_out = -FLT_MAX;
}

static void
overspends(FrameSlot* const frame)
{
  frame->cpu_ns = 200001u;
}

static void
does_everything(FrameSlot* const frame)
{
  fails(frame);
  answers_nan(frame);
  overspends(frame);
}

/// What ten answers with a vice, or some more where late ones came in one tick, are counted as: each as a failure, as not
/// finite. `used_nm`: what such an answer makes of 3 N·m when it comes in time.
static void
passes_through(const Vice vice, const float used_nm, const bool failure, const bool non_finite, const uint64_t violations)
{
  Bench* const  b      = bench(200u);
  Plugin* const plugin = start(b, vice);
  uint64_t      missed = 0u;
  while (atomic_load(&b->count.executions) < 10u) { // its budget also bounds the wait, so some answers may be late
    const float nm = tick(b, 3.0f, CHECK_WATCHDOG_NS);
    CHECK(nm == used_nm || nm == 3.0f);
    if (!CHECK(++missed < 1000000u)) { break; }
  }
  stop(plugin);
  const uint64_t answers = atomic_load(&b->count.executions);
  CHECK(answers >= 10u);
  CHECK(atomic_load(&b->count.failures) == (failure ? answers : 0u));
  CHECK(atomic_load(&b->count.non_finite) == (non_finite ? answers : 0u));
  CHECK(atomic_load(&b->count.budget_violations) == violations);
  CHECK(atomic_load(&b->count.last_result) == (failure ? -3 : 0));
  clear(b);
}

static void
vices_pass_through(void)
{
  passes_through(fails, 3.0f, true, false, 0u);
  passes_through(answers_nan, 3.0f, false, true, 0u);
  passes_through(answers_infinity, 3.0f, false, true, 0u);
  passes_through(answers_hugely, -RIG_TORQUE_SAID_NM, false, false, 0u); // or the plugin after it would reach infinity
  passes_through(overspends, 6.0f, false, false, 0u); // ten are no more than accidents
  passes_through(does_everything, 3.0f, true, true, 0u);
}

/// Sends a frame and answers it late, with this CPU time. It is counted with the next one.
static void
exchange_late(Bench* const b, const uint32_t cpu_ns)
{
  send_one(b, 1.0f);
  FrameSlot frame = take_frame(b);
  frame.cpu_ns    = cpu_ns;
  frame.status    = FRAME_TIMED;
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
}

/// What is counted of so many long calls, each after so many that are within the budget.
static uint64_t
counted_after(const uint32_t calls, const uint32_t within, const uint32_t cpu_ns)
{
  Bench* const b = bench(200u);
  for (uint32_t i = 0u; i < calls; ++i) {
    for (uint32_t call = 0u; call < within; ++call) { exchange_late(b, 200000u); }
    exchange_late(b, cpu_ns);
  }
  exchange_late(b, 200000u);
  const uint64_t counted = atomic_load(&b->count.budget_violations);
  clear(b);
  return counted;
}

static void
call_that_is_long_now_and_then_is_the_machines(void)
{
  CHECK(counted_after(11u, 0u, 200001u) == 0u);
  CHECK(counted_after(100u, 0u, 200001u) >= 85u);  // each one
  CHECK(counted_after(100u, 1u, 200001u) >= 80u);  // every other
  CHECK(counted_after(100u, 10u, 400000u) == 0u);  // one in eleven
  CHECK(counted_after(15u, 101u, 400001u) == 0u);  // of twice the budget fifteen are free
  CHECK(counted_after(40u, 101u, 400001u) >= 20u); // and no more, unless they are rare
}

static void
small_budget_charges_for_no_cold_cache(void)
{
  Bench* const b = bench(1u);
  for (uint32_t i = 0u; i < 100u; ++i) { exchange_late(b, 20000u); }
  CHECK(atomic_load(&b->count.budget_violations) == 0u);
  for (uint32_t i = 0u; i < 100u; ++i) { exchange_late(b, 20001u); }
  CHECK(atomic_load(&b->count.budget_violations) >= 85u);
  clear(b);
}

/// The status of a frame that is sent with or without company, and answered late.
static uint32_t
status_of_next(Bench* const b, const bool yield)
{
  const uint64_t sent = atomic_load(&b->count.sent);
  while (atomic_load(&b->count.sent) == sent) { // a busy machine may let a deadline pass before
    const uint64_t  now_ns = clock_now_ns();
    ChainTick       t      = {.due_ns = now_ns, .deadline_ns = now_ns + CLOCK_NS_PER_MS, .sequence = ++b->sequence, .yield = yield};
    link_step(&b->link, &t, 1u, 1.0f);
  }
  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  return frame.status;
}

static void
those_that_share_cores_are_told_to_yield(void)
{
  Bench* const b = bench(BUDGET_US);
  CHECK(!(status_of_next(b, false) & FRAME_YIELD));
  CHECK(status_of_next(b, true) & FRAME_YIELD);
  clear(b);
}

static void
largest_budget_counts_whole(void)
{
  Bench* const  b      = bench(4294968u); // × 1000 passes 32 bits and would become 704 ns
  Plugin* const plugin = start(b, NULL);
  CHECK(tick(b, 1.0f, CHECK_WATCHDOG_NS / 2u) == 2.0f);
  stop(plugin);
  CHECK(atomic_load(&b->count.budget_violations) == 0u);
  clear(b);
}

// ---------------------------------------------------------------- a plugin that is not called in each tick

/// Ticks until the next one is its turn, at this rate.
static void
before_its_turn(Bench* const b, const uint32_t every)
{
  while ((b->sequence + 1u) % every) { (void)tick_at(b, every, 0.0f, CLOCK_NS_PER_MS); }
}

static void
answer_is_held_until_the_next_turn(void)
{
  static const uint32_t rates[] = {2u, 4u};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; ++i) {
    const uint32_t every  = rates[i];
    Bench* const   b      = bench(BUDGET_US);
    Plugin* const  plugin = start(b, NULL);
    CHECK(tick_at(b, every, 7.0f, CHECK_WATCHDOG_NS) == 7.0f); // before its first turn there is nothing to hold
    before_its_turn(b, every);
    const uint32_t first = b->sequence;
    float          held  = 0.0f;
    for (uint32_t at = 0u; at < 100u * every; ++at) {
      const float nm = 0.01f * (float)at;
      held           = at % every == 0u ? 2.0f * nm : held;
      CHECK(tick_at(b, every, nm, CHECK_WATCHDOG_NS) == held);
    }
    stop(plugin);
    CHECK(b->sequence == first + 100u * every);
    CHECK(atomic_load(&b->count.sent) == 100u && atomic_load(&b->count.executions) == 100u);
    CHECK(atomic_load(&b->count.missed_deadlines) == 0u && atomic_load(&b->count.left_out) == 0u);
    CHECK(atomic_load(&b->plugin.report->left_out) == 0u);
    clear(b);
  }
}

static void
turn_without_an_answer_holds_nothing(void)
{
  Bench* const  b      = bench(BUDGET_US);
  Plugin* const plugin = start(b, NULL);
  before_its_turn(b, 4u);
  CHECK(tick_at(b, 4u, 1.0f, CHECK_WATCHDOG_NS) == 2.0f);
  stop(plugin);
  for (int i = 0; i < 3; ++i) { CHECK(tick_at(b, 4u, 5.0f, CLOCK_NS_PER_MS) == 2.0f); }
  uint64_t turns = 0u;
  while (atomic_load(&b->count.sent) == 1u) { // a busy machine may let the deadline of a turn pass before it is sent
    CHECK(tick_at(b, 4u, 5.0f, CLOCK_NS_PER_MS) == 5.0f);
    turns += b->sequence % 4u == 0u ? 1u : 0u;
  }
  CHECK(tick_at(b, 4u, 6.0f, CLOCK_NS_PER_MS) == 6.0f);
  CHECK(atomic_load(&b->count.missed_deadlines) == turns); // and not that of each tick

  // Its answer comes between two turns: it is counted at once, and too late to be held.
  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  CHECK(tick_at(b, 4u, 7.0f, CLOCK_NS_PER_MS) == 7.0f);
  CHECK(atomic_load(&b->count.executions) == 2u && atomic_load(&b->count.under_way_ns) == 0u);
  CHECK(tick_at(b, 4u, 8.0f, CLOCK_NS_PER_MS) == 8.0f);
  clear(b);
}

static void
answer_that_may_not_be_used_is_not_held(void)
{
  Bench* const  b      = bench(BUDGET_US);
  Plugin* const plugin = start(b, answers_nan);
  before_its_turn(b, 2u);
  CHECK(tick_at(b, 2u, 3.0f, CHECK_WATCHDOG_NS) == 3.0f && tick_at(b, 2u, 4.0f, CHECK_WATCHDOG_NS) == 4.0f);
  stop(plugin);
  CHECK(atomic_load(&b->count.non_finite) == 1u);
  clear(b);
}

/// What a plugin is told in its turn that is due `due_ns`; it answers late.
static FrameSlot
told_at(Bench* const b, const uint32_t every, const uint64_t due_ns)
{
  const uint64_t  began_ns = clock_now_ns();
  ChainTick       t        = {.due_ns = due_ns, .began_ns = began_ns, .deadline_ns = began_ns + CHECK_WATCHDOG_NS / 2u, .expecting = true,
                              .sequence = b->sequence += every};
  link_step(&b->link, &t, every, 1.0f);
  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  const uint64_t sent_ns = b->link.sent_ns;
  CHECK(frame.reserved == due_ns + every * (uint64_t)RIG_PERIOD_NS + (sent_ns - began_ns));
  return frame;
}

static void
plugin_is_told_when_its_next_turn_comes(void)
{
  static const uint32_t rates[] = {1u, 2u, 4u};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; ++i) {
    Bench* const   b         = bench(1u); // it is waited for as little as can be
    const uint64_t period_ns = rates[i] * (uint64_t)RIG_PERIOD_NS;
    const float    dt        = 0.001f * (float)rates[i];
    CHECK(fabsf(told_at(b, rates[i], 1000u * period_ns).dt - dt) < 1e-7f); // its first
    CHECK(fabsf(told_at(b, rates[i], 1001u * period_ns).dt - dt) < 1e-7f);
    CHECK(fabsf(told_at(b, rates[i], 1003u * period_ns).dt - 2.0f * dt) < 1e-7f); // ticks were lost
    clear(b);
  }
}

static void
plugin_that_is_never_called_is_told_that_there_is_a_loop(void)
{
  Bench* const  b      = bench(BUDGET_US);
  Plugin* const plugin = start(b, NULL);
  CHECK(tick(b, 1.0f, CHECK_WATCHDOG_NS) == 2.0f);
  stop(plugin);
  for (int i = 0; i < 100; ++i) { CHECK(tick_at(b, 0u, 5.0f, CLOCK_NS_PER_MS) == 5.0f); }
  CHECK(atomic_load(&b->plugin.report->left_out) == 100u);
  CHECK(atomic_load(&b->count.sent) == 1u && atomic_load(&b->count.missed_deadlines) == 0u && atomic_load(&b->count.left_out) == 0u);
  before_its_turn(b, 2u);
  (void)tick_at(b, 0u, 5.0f, CLOCK_NS_PER_MS);
  CHECK(tick_at(b, 2u, 6.0f, CLOCK_NS_PER_MS) == 6.0f); // what it answered before is not what it would answer now
  clear(b);
}

/// A frame that is with it when it is to be called no more is taken back, and a lie is found out, all the same.
static void
plugin_that_is_never_called_is_watched(void)
{
  Bench* const b = bench(BUDGET_US);
  send_one(b, 1.0f);
  CHECK(tick_at(b, 0u, 5.0f, CLOCK_NS_PER_MS) == 5.0f && atomic_load(&b->count.under_way_ns) > 0u);
  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  CHECK(tick_at(b, 0u, 5.0f, CLOCK_NS_PER_MS) == 5.0f && atomic_load(&b->count.under_way_ns) == 0u);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  CHECK(tick_at(b, 0u, 5.0f, CLOCK_NS_PER_MS) == 5.0f && b->link.corrupt);
  clear(b);
}

static void
rate_changes_between_two_ticks(void)
{
  Bench* const  b      = bench(BUDGET_US);
  Plugin* const plugin = start(b, NULL);
  before_its_turn(b, 4u);
  CHECK(tick(b, 1.0f, CHECK_WATCHDOG_NS) == 2.0f);
  CHECK(tick_at(b, 4u, 5.0f, CHECK_WATCHDOG_NS) == 2.0f); // what it answered at the faster rate stands
  CHECK(tick_at(b, 2u, 5.0f, CHECK_WATCHDOG_NS) == 10.0f);
  CHECK(tick_at(b, 4u, 6.0f, CHECK_WATCHDOG_NS) == 10.0f);
  CHECK(tick_at(b, 1u, 7.0f, CHECK_WATCHDOG_NS) == 14.0f);
  stop(plugin);
  CHECK(atomic_load(&b->count.missed_deadlines) == 0u);
  clear(b);
}

// ---------------------------------------------------------------- a plugin that does not

static void
hung_plugin_is_passed_by(void)
{
  Bench* const   b        = bench(BUDGET_US);
  const uint64_t missed   = send_one(b, 1.0f);
  const uint64_t began_ns = clock_now_ns();
  // Were it waited for again, these would take the watchdog's time a hundred times over.
  for (int i = 0; i < 100; ++i) { CHECK(tick(b, 5.0f, CHECK_WATCHDOG_NS) == 5.0f); }
  CHECK(clock_now_ns() - began_ns < CHECK_WATCHDOG_NS);
  CHECK(missed >= 1u && atomic_load(&b->count.missed_deadlines) == missed + 100u);
  CHECK(atomic_load(&b->count.sent) == 1u && take_frame(b).ffb_in == 1.0f);
  FrameSlot frame;
  CHECK(ring_pop(&b->plugin.from, &frame) == RING_EMPTY);
  clear(b);
}

static void
deadline_ends_the_wait(void)
{
  Bench* const   b        = bench(BUDGET_US);
  const uint64_t began_ns = clock_now_ns();
  CHECK(tick(b, 1.0f, 5000000u) == 1.0f);
  CHECK(clock_now_ns() - began_ns >= 5000000u);
  clear(b);
}

static void
budget_ends_the_wait(void)
{
  Bench* const   b        = bench(2000u);
  const uint64_t began_ns = clock_now_ns();
  CHECK(tick(b, 1.0f, 60000000000u) == 1.0f); // the deadline is a minute away, the budget 2 ms
  const uint64_t took_ns = clock_now_ns() - began_ns;
  CHECK(took_ns >= 2000000u && took_ns < CHECK_WATCHDOG_NS);
  clear(b);
}

static void
small_budget_leaves_time_to_wake_up(void)
{
  Bench* const b = bench(1u);
  send_one(b, 1.0f);
  CHECK(b->link.budget_end_ns - atomic_load(&b->count.under_way_ns) == 50000u);
  clear(b);
}

/// A process that waits until it is ended, or spins at the priority that it has, for five seconds at the most.
static pid_t
start_other(const bool spins)
{
  const pid_t pid = fork();
  NEED(pid >= 0);
  if (pid) { return pid; }
  const uint64_t end_ns = clock_now_ns() + 5u * CLOCK_NS_PER_S;
  while (spins && clock_now_ns() < end_ns) {}
  for (;;) { pause(); }
}

static void
end_other(const pid_t pid)
{
  NEED(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/// The frame stays with it; so does the priority of a process that the tick's end cut short, until its own time is over.
static void
priority_lasts_as_long_as_the_budget(void)
{
  Bench* const b     = bench(20000u);
  const pid_t  other = start_other(false);
  priority_open(&b->link.priority, other);
  const bool lent = b->link.priority.lent;
  if (!lent) { puts("  this user may lend no real-time priority: only that nothing happens is tested"); }

  send_one(b, 1.0f); // it has 20 ms, the tick ended after one
  const uint64_t budget_end_ns = b->link.budget_end_ns;
  CHECK(tick(b, 1.0f, CLOCK_NS_PER_MS) == 1.0f);
  // On a machine that stood still meanwhile there is nothing to see.
  if (clock_now_ns() < budget_end_ns) { CHECK(b->link.priority.lent == lent); }
  while (clock_now_ns() < budget_end_ns) { usleep(1000); }
  CHECK(tick(b, 1.0f, CLOCK_NS_PER_MS) == 1.0f);
  CHECK(!b->link.priority.lent);

  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  send_one(b, 1.0f); // takes the late answer first
  CHECK(b->link.priority.lent == lent);
  end_other(other);
  clear(b);
}

static void
late_answer_is_counted(void)
{
  Bench* const b      = bench(BUDGET_US);
  uint64_t     missed = send_one(b, 1.0f);
  FrameSlot    frame  = take_frame(b);
  frame.result        = 9;
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  missed += send_one(b, 2.0f); // the answer to the first is not the answer to the second
  CHECK(atomic_load(&b->count.executions) == 1u && atomic_load(&b->count.failures) == 1u);
  CHECK(atomic_load(&b->count.missed_deadlines) == missed && atomic_load(&b->count.sent) == 2u);
  CHECK(atomic_load(&b->count.round_trip.max_ns) == 0u);
  CHECK(take_frame(b).ffb_in == 2.0f);
  clear(b);
}

static void
late_tick_sends_nothing(void)
{
  Bench* const    b = bench(BUDGET_US);
  ChainTick       t = {.due_ns = 1u, .deadline_ns = 2u, .sequence = 1u};
  CHECK(link_step(&b->link, &t, 1u, 4.0f) == 4.0f);
  CHECK(atomic_load(&b->count.sent) == 0u && atomic_load(&b->count.missed_deadlines) == 1u);
  // Its process is told that there is a loop all the same.
  CHECK(atomic_load(&b->count.left_out) == 1u && atomic_load(&b->plugin.report->left_out) == 1u);

  send_one(b, 1.0f);
  const uint64_t left_out = atomic_load(&b->count.left_out);
  CHECK(link_step(&b->link, &t, 1u, 4.0f) == 4.0f); // it has a frame: passed by, and not for want of time
  CHECK(atomic_load(&b->count.left_out) == left_out);
  clear(b);
}

/// Sends a frame, answers it, and returns it.
static FrameSlot
exchange(Bench* const b, const float ffb_in)
{
  send_one(b, ffb_in);
  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  return frame;
}

static void
frame_says_everything(void)
{
  Bench* const b     = bench(BUDGET_US);
  FrameSlot    frame = exchange(b, 1.5f);
  CHECK(frame.ffb_in == 1.5f && frame.wheel_angle == 0.25f && frame.wheel_speed == -2.0f);
  CHECK(frame.budget_us == BUDGET_US && frame.sequence == b->sequence && frame.timestamp_ns == b->link.sent_due_ns);
  CHECK(frame.dt == 0.001f); // its first
  b->link.sent_due_ns = clock_now_ns() - 40000000u;
  frame               = exchange(b, 1.5f);
  CHECK(frame.dt >= 0.04f && frame.dt <= 0.1f);
  b->link.sent_due_ns = 1u;
  CHECK(exchange(b, 1.5f).dt == 0.1f); // it was passed by for longer than that
  clear(b);
}

static void
made_up_answers_are_ignored(void)
{
  Bench* const b        = bench(BUDGET_US);
  FrameSlot    answer   = {.sequence = 12345u, .torque_out = 99.0f};
  uint64_t     executed = 0u;
  for (int i = 0; i < 200; ++i) {
    while (ring_push(&b->plugin.to, &answer) == RING_OK) {}
    const uint64_t began_ns = clock_now_ns();
    CHECK(tick(b, 1.0f, CHECK_WATCHDOG_NS) == 1.0f);
    CHECK(clock_now_ns() - began_ns < CHECK_WATCHDOG_NS);
    executed = atomic_load(&b->count.executions);
  }
  CHECK(executed == 0u && !b->link.corrupt);
  clear(b);
}

/// Each frame has one answer. Before the first of this loop's there may be some that another one asked for.
static void
second_answer_is_a_lie(void)
{
  Bench* const b     = bench(BUDGET_US);
  const pid_t  other = start_other(false);
  priority_open(&b->link.priority, other);
  send_one(b, 1.0f);
  const FrameSlot frame = take_frame(b);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  send_one(b, 1.0f);
  CHECK(!b->link.corrupt && atomic_load(&b->count.executions) == 1u);
  CHECK(ring_push(&b->plugin.to, &frame) == RING_OK); // the first frame's, again
  CHECK(tick(b, 1.0f, CLOCK_NS_PER_MS) == 1.0f);
  CHECK(b->link.corrupt && atomic_load(&b->count.state) == PLUGIN_CORRUPT);
  CHECK(!b->link.priority.lent);
  end_other(other);
  clear(b);
}

/// Puts `other` on one core and this process on another one, where there are two: with a priority it would keep us from
/// ours, and we can only see it run while we do. Returns where this process could run before.
static cpu_set_t
part_from(const pid_t other)
{
  cpu_set_t all, ours;
  NEED(sched_getaffinity(0, sizeof all, &all) == 0);
  cpu_set_t theirs = all;
  CPU_ZERO(&ours);
  size_t core = 0u;
  while (!CPU_ISSET(core, &all)) { ++core; }
  CPU_SET(core, &ours);
  CPU_CLR(core, &theirs);
  if (CPU_COUNT(&theirs) > 0) {
    NEED(sched_setaffinity(other, sizeof theirs, &theirs) == 0);
    NEED(sched_setaffinity(0, sizeof ours, &ours) == 0);
  }
  return all;
}

/// Looks for so long, or until `busy` has no priority.
static void
look_for(Link* const busy, Link* const idle, const uint64_t for_ns)
{
  Link* const links[] = {busy, idle};
  for (const uint64_t end_ns = clock_now_ns() + for_ns; busy->priority.lent && clock_now_ns() < end_ns;) {
    chain_clear_way(links, 2u);
    usleep(1000); // as often as the loop does
  }
}

/// Two that have answered: one computes on, one sleeps.
static void
who_is_in_the_way_loses_the_priority(void)
{
  Bench* const busy   = bench(BUDGET_US);
  Bench* const idle   = bench(BUDGET_US);
  const pid_t  spins  = start_other(true);
  const pid_t  sleeps = start_other(false);
  cpu_set_t    all    = part_from(spins);
  priority_open(&busy->link.priority, spins);
  priority_open(&idle->link.priority, sleeps);
  if (busy->link.priority.lent) {
    look_for(&busy->link, &idle->link, CHECK_WATCHDOG_NS);
    CHECK(!busy->link.priority.lent && atomic_load(&busy->count.in_the_way) == 1u);
    CHECK(idle->link.priority.lent && atomic_load(&idle->count.in_the_way) == 0u);
    CHECK(busy->link.barred_until_ns > clock_now_ns());

    (void)exchange(busy, 1.0f);
    send_one(busy, 1.0f);
    CHECK(!busy->link.priority.lent || clock_now_ns() >= busy->link.barred_until_ns);
    // The next answer after that time brings it back.
    busy->link.barred_until_ns = 0u;
    const FrameSlot next = take_frame(busy);
    CHECK(ring_push(&busy->plugin.to, &next) == RING_OK);
    send_one(busy, 1.0f);
    CHECK(busy->link.priority.lent);
  } else {
    puts("  this user may lend no real-time priority: there is none to lose");
  }
  NEED(sched_setaffinity(0, sizeof all, &all) == 0);
  end_other(spins);
  end_other(sleeps);
  clear(busy);
  clear(idle);
}

/// It computes without end, and has a frame nearly all the time.
static void
who_has_frames_is_in_nobodys_way(void)
{
  Bench* const b     = bench(BUDGET_US);
  Bench* const idle  = bench(BUDGET_US);
  const pid_t  spins = start_other(true);
  cpu_set_t    all   = part_from(spins);
  priority_open(&b->link.priority, spins);
  const bool lent = b->link.priority.lent;
  (void)exchange(b, 1.0f);
  for (int i = 0; i < 5; ++i) {
    send_one(b, 1.0f); // it has it while we look, and answers then
    look_for(&b->link, &idle->link, 60u * CLOCK_NS_PER_MS);
    const FrameSlot frame = take_frame(b);
    CHECK(ring_push(&b->plugin.to, &frame) == RING_OK);
  }
  CHECK(b->link.priority.lent == lent && atomic_load(&b->count.in_the_way) == 0u);
  NEED(sched_setaffinity(0, sizeof all, &all) == 0);
  end_other(spins);
  clear(b);
  clear(idle);
}

// ---------------------------------------------------------------- a plugin that scribbles

/// What the loop would do to the segment if it touched it.
static bool
untouched(Bench* const b)
{
  static uint8_t before[PLUGIN_SEGMENT_BYTES];
  memcpy(before, b->plugin.segment.memory, sizeof before);
  for (int i = 0; i < 100; ++i) { CHECK(tick(b, 6.0f, CHECK_WATCHDOG_NS) == 6.0f); }
  return memcmp(before, b->plugin.segment.memory, sizeof before) == 0;
}

static void
impossible_answers_counter(void)
{
  Bench* const b = bench(BUDGET_US);
  atomic_store(&b->plugin.to.shared->written, 1ull << 40u);
  CHECK(tick(b, 6.0f, CHECK_WATCHDOG_NS) == 6.0f);
  CHECK(atomic_load(&b->count.state) == PLUGIN_CORRUPT && atomic_load(&b->count.sent) == 0u);
  FrameSlot frame;
  CHECK(ring_pop(&b->plugin.from, &frame) == RING_EMPTY); // not even in the tick that found out
  atomic_store(&b->plugin.to.shared->written, 1u);        // possible again, and too late
  CHECK(untouched(b));
  clear(b);
}

static void
impossible_frames_counter(void)
{
  Bench* const b = bench(BUDGET_US);
  atomic_store(&b->plugin.from.shared->read, 77u);
  CHECK(tick(b, 6.0f, CHECK_WATCHDOG_NS) == 6.0f);
  CHECK(atomic_load(&b->count.state) == PLUGIN_CORRUPT && b->link.corrupt);
  CHECK(untouched(b));
  clear(b);
}

#if !CHECK_UNDER_TSAN

static void
scribble(void* const memory)
{
  uint64_t random = 8u;
  for (;;) {
    const uint64_t    word = check_random(&random);
    volatile uint8_t* at   = (uint8_t*)memory + (word >> 32u) % PLUGIN_SEGMENT_BYTES;
    // Mostly answers, or the first impossible counter would be the end of the test.
    if (word % 4096u && (size_t)(at - (uint8_t*)memory) < PLUGIN_RING_OUT + sizeof(RingShared)) { continue; }
    *at = (uint8_t)word;
  }
}

static void
scribbling_process(void)
{
  for (int round = 0; round < 20; ++round) {
    Bench* const b     = bench(1u);
    const pid_t  child = check_fork(scribble, b->plugin.segment.memory);
    for (int i = 0; i < 500; ++i) {
      atomic_store(&b->plugin.to.shared->written, b->link.shared.from.own + 4u);
      CHECK(isfinite(tick(b, 6.0f, 50000u)));
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    clear(b);
  }
}

#endif

static void
missing_or_foreign(void)
{
  const ShmDirectory directory = shm_directory();
  const ControlEntry entry     = {.instance = 1u};
  static RigPlugin   count;
  Link               link;
  CHECK(link_open(&link, directory.path, entry, &count) == ENOENT);
  const ShmPath file = shm_path(&directory, "plugin-1");
  const int     fd   = open(file.path, O_CREAT | O_RDWR, 0600);
  NEED(fd >= 0);
  CHECK(link_open(&link, directory.path, entry, &count) == EPROTO);
  NEED(ftruncate(fd, PLUGIN_SEGMENT_BYTES) == 0);
  CHECK(link_open(&link, directory.path, entry, &count) == EPROTO);
  close(fd);
  char long_path[5000];
  memset(long_path, 'a', sizeof long_path);
  long_path[sizeof long_path - 1u] = '\0';
  CHECK(link_open(&link, long_path, entry, &count) == ENAMETOOLONG);
  shm_remove(&directory);
}

int
main(void)
{
  static const Test tests[] = {
    {"the answers of a plugin that keeps its time are used", answers_are_used},
    {"answers that a loop before this one asked for are skipped", old_answers_are_skipped},
    {"a failure and a NaN pass through, and they and a spent budget are counted under their names", vices_pass_through},
    {"calls that spend too much are counted where they are no accident", call_that_is_long_now_and_then_is_the_machines},
    {"nobody is charged for what a cold cache costs, however small the budget", small_budget_charges_for_no_cold_cache},
    {"plugins that share cores are told to give way in their spins", those_that_share_cores_are_told_to_yield},
    {"a budget of more than 4.2 s is not cut to 32 bits", largest_budget_counts_whole},
    {"what a plugin of 500 or 250 Hz answers stands until its next turn, and no tick between is missed", answer_is_held_until_the_next_turn},
    {"a turn without an answer passes through, and so does what follows until there is one", turn_without_an_answer_holds_nothing},
    {"an answer that may not be used is not held", answer_that_may_not_be_used_is_not_held},
    {"a plugin is told at each rate when its next turn comes, and how long ago the last one was", plugin_is_told_when_its_next_turn_comes},
    {"a plugin that is never called is told that there is a loop, and misses nothing", plugin_that_is_never_called_is_told_that_there_is_a_loop},
    {"a plugin that is never called is watched as others are", plugin_that_is_never_called_is_watched},
    {"a plugin goes from one rate to another between two ticks", rate_changes_between_two_ticks},
    {"a plugin that hangs holds one frame, is waited for once and then passed by at once", hung_plugin_is_passed_by},
    {"a plugin is not waited for beyond its budget", budget_ends_the_wait},
    {"however small its budget, a plugin is waited for as long as it takes to wake up", small_budget_leaves_time_to_wake_up},
    {"a plugin is waited for to the deadline and not beyond", deadline_ends_the_wait},
    {"a plugin keeps the loop's priority for its budget, and gets it back with its answer", priority_lasts_as_long_as_the_budget},
    {"a late answer is an execution and a missed deadline, and is not used", late_answer_is_counted},
    {"a tick that is late itself sends nothing", late_tick_sends_nothing},
    {"a frame tells the plugin the wheel, the time and its budget", frame_says_everything},
    {"answers that nobody asked for are ignored and do not hold up the tick", made_up_answers_are_ignored},
    {"a plugin that answers a frame twice is never touched again, and loses its priority", second_answer_is_a_lie},
    {"who computes on after its answer, while another one is waited for, loses the priority for a while",
     who_is_in_the_way_loses_the_priority},
    {"who has frames to compute on is in nobody's way", who_has_frames_is_in_nobodys_way},
    {"a plugin with an impossible counter of answers is never touched again", impossible_answers_counter},
    {"a plugin with an impossible counter of frames is never touched again", impossible_frames_counter},
#if !CHECK_UNDER_TSAN
    {"a process that scribbles on its segment all the time harms no tick", scribbling_process},
#endif
    {"a segment that is missing, truncated or foreign is refused", missing_or_foreign},
  };
  return RUN("chain_test", tests);
}
