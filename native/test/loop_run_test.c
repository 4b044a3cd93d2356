/// The loop with plugins, and in a thread of its own: what is handed to it while it runs.
#include "../clock.h"
#include "../doorbell.h"
#include "../plan.h"
#include "../realtime.h"
#include "check.h"
#include "loop_bench.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>

#define BUDGET_US 10000000u ///< More than the watchdog: what this machine is busy with does not count
#define HANDOVERS 100u

/// A plugin that answers each frame, until it is told to end.
typedef struct {
  PluginSegment shared;
  float         factor;
  pthread_t     thread;
  atomic_bool   end;
} Plugin;

static void*
plugin_thread(void* const argument)
{
  Plugin* const self = argument;
  while (!atomic_load(&self->end)) {
    FrameSlot frame;
    if (!doorbell_wait(&self->shared.from, clock_now_ns() + CLOCK_NS_PER_MS, 0u)) { continue; }
    if (!CHECK(ring_pop(&self->shared.from, &frame) == RING_OK)) { break; }
    frame.torque_out = frame.ffb_in * self->factor;
    CHECK(ring_push(&self->shared.to, &frame) == RING_OK);
    doorbell_ring(&self->shared.to);
  }
  return NULL;
}

static ShmPath
segment_of(const Bench* const b, const uint32_t instance)
{
  char name[32];
  snprintf(name, sizeof name, "plugin-%u", (unsigned)instance);
  return shm_path(&b->directory, name);
}

static Plugin*
start(const Bench* const b, const uint32_t instance, const float factor)
{
  Plugin* const self = calloc(1, sizeof *self);
  NEED(self);
  self->factor = factor;
  NEED(plugin_segment_create(segment_of(b, instance).path) == 0);
  NEED(plugin_segment_open_plugin(&self->shared, segment_of(b, instance).path) == 0);
  NEED(pthread_create(&self->thread, NULL, plugin_thread, self) == 0);
  return self;
}

static void
stop(Plugin* const self)
{
  atomic_store(&self->end, true);
  pthread_join(self->thread, NULL);
  plugin_segment_close(&self->shared);
  free(self);
}

static RigControl
control_of(const uint32_t count)
{
  RigControl control = {.gain = 1.0f, .max_torque_nm = 20.0f, .max_slew_nm_per_s = 1e6f, .assent = 1u, .chain_count = count};
  for (uint32_t i = 0; i < count; ++i) {
    control.chain[i] = (ControlEntry){.slot = i, .life = i + 1u, .instance = i + 1u, .budget_us = BUDGET_US, .every = 1u};
  }
  return control;
}

static void
plugins_in_order(void)
{
  Bench* const     b       = bench_make(1.0f, 20.0f);
  Plugin* const    doubles = start(b, 1u, 2.0f);
  Plugin* const    negates = start(b, 2u, -1.0f);
  const RigControl control = control_of(2u);
  Plan* const      plan    = plan_build(&control, NULL, b->directory.path, b->loop.status);
  NEED(plan && plan->count == 2u);
  FrameSlot slot = {0};
  for (int i = 0; i < 200; ++i) {
    // Due in a while, as the chain's deadline counts from there: the plugins get all the time they need.
    const uint64_t now_ns = clock_now_ns();
    bench_feed(b, 3.0f, now_ns);
    loop_tick(&b->loop, plan, now_ns + CHECK_WATCHDOG_NS, now_ns, TICK_S);
    CHECK(ring_pop(&b->consumer, &slot) == RING_OK);
  }
  CHECK(slot.ffb_in == 3.0f && fabsf(slot.torque_out + 6.0f) < 1e-4f);
  for (int i = 0; i < 2; ++i) {
    RigPlugin* const count = &b->loop.status->plugins[i];
    CHECK(atomic_load(&count->sent) == 200u && atomic_load(&count->executions) == 200u && atomic_load(&count->missed_deadlines) == 0u);
  }
  CHECK(atomic_load(&b->loop.status->chain_count) == 2u);
  plan_release(plan, NULL);
  stop(doubles);
  stop(negates);
  bench_end(b);
}

/// Ticks, each with a frame of 3 N·m and all the time that the plugins need. Returns the largest step of the torque.
static float
largest_step(Bench* const b, const Plan* const plan, const int ticks, float* const torque)
{
  float largest = 0.0f;
  for (int i = 0; i < ticks; ++i) {
    FrameSlot      slot;
    const uint64_t now_ns = clock_now_ns();
    bench_feed(b, 3.0f, now_ns);
    loop_tick(&b->loop, plan, now_ns + CHECK_WATCHDOG_NS, now_ns, TICK_S);
    CHECK(ring_pop(&b->consumer, &slot) == RING_OK);
    largest = fmaxf(largest, fabsf(slot.torque_out - *torque));
    *torque = slot.torque_out;
  }
  return largest;
}

/// 3 N·m between what the plugin makes of a frame and the frame, over the fade's 50 ticks, and what floats may be off by.
#define LED_STEP_NM 0.061f // four times for who has its first turn up to three ticks later

static void
rates_change_without_a_step(void)
{
  Bench* const  b       = bench_make(1.0f, 20.0f);
  Plugin* const doubles = start(b, 1u, 2.0f);
  RigControl    control = control_of(1u);
  Plan*         plan    = plan_build(&control, NULL, b->directory.path, b->loop.status);
  NEED(plan);
  float torque = 0.0f;
  (void)largest_step(b, plan, 100, &torque);
  CHECK(fabsf(torque - 6.0f) < 1e-4f);
  static const struct {
    uint32_t every;
    float    torque_nm;
    float    step_nm;
  } changes[] = {{2u, 6.0f, 1e-4f}, {4u, 6.0f, 1e-4f}, {0u, 3.0f, LED_STEP_NM}, {4u, 6.0f, 4.0f * LED_STEP_NM}, {1u, 6.0f, 1e-4f}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; ++i) {
    control.chain[0].every = changes[i].every;
    Plan* const next       = plan_build(&control, plan, b->directory.path, b->loop.status);
    NEED(next && next->links[0] == plan->links[0]);
    CHECK(largest_step(b, next, 100, &torque) <= changes[i].step_nm && fabsf(torque - changes[i].torque_nm) < 1e-4f);
    plan_release(plan, next);
    plan = next;
  }
  CHECK(atomic_load(&b->loop.status->plugins[0].missed_deadlines) == 0u);
  plan_release(plan, NULL);
  stop(doubles);
  bench_end(b);
}

/// The frame that a plugin of a chain of so many gets, as the loop sends it.
static FrameSlot
frame_of(const uint32_t count, const RigWaiting waiting)
{
  Bench* const b       = bench_make(1.0f, 20.0f);
  RigControl   control = control_of(count);
  control.waiting      = waiting;
  for (uint32_t i = 0u; i < count; ++i) { NEED(plugin_segment_create(segment_of(b, i + 1u).path) == 0); }
  Plan* const   plan   = plan_build(&control, NULL, b->directory.path, b->loop.status);
  PluginSegment plugin;
  FrameSlot     frame = {0};
  NEED(plan && plan->count == count && plugin_segment_open_plugin(&plugin, segment_of(b, 1u).path) == 0);
  while (ring_pop(&plugin.from, &frame) != RING_OK) { // a busy machine may let a tick pass before
    const uint64_t now_ns = clock_now_ns();
    bench_feed(b, 3.0f, now_ns);
    loop_tick(&b->loop, plan, now_ns, now_ns, TICK_S);
  }
  plugin_segment_close(&plugin);
  plan_release(plan, NULL);
  bench_end(b);
  return frame;
}

/// Where both sides are awake for each other, a plugin is told when its next frame comes; where it shares a core, to yield.
static void
plugins_are_told_how_to_wait(void)
{
  const FrameSlot alone = frame_of(1u, WAITING_PREDICTIVE);
  const FrameSlot among = frame_of(3u, WAITING_FUTEX);
  if (realtime_has_cores()) {
    // A period after its own tick, and as long after that as this frame was sent after the beginning: some µs, or a pause.
    CHECK(alone.reserved >= alone.timestamp_ns + RIG_PERIOD_NS && alone.reserved < alone.timestamp_ns + RIG_PERIOD_NS + CHECK_WATCHDOG_NS);
  } else {
    puts("  one core: nobody is told to spin");
  }
  CHECK(!(alone.status & FRAME_YIELD));
  CHECK(among.reserved == 0u && (among.status & FRAME_YIELD));
}

static void*
loop_thread(void* const loop)
{
  loop_run(loop);
  return NULL;
}

/// Hands the running loop another plan, as wheel-rt does.
static void
hand_over(Bench* const b, const RigControl* const control)
{
  Plan* const previous = atomic_load(&b->loop.handover.wanted);
  Plan* const plan     = plan_build(control, previous, b->directory.path, b->loop.status);
  NEED(plan);
  atomic_store_explicit(&b->loop.handover.wanted, plan, memory_order_release);
  while (previous && atomic_load_explicit(&b->loop.handover.in_use, memory_order_acquire) != plan) { sched_yield(); }
  plan_release(previous, plan);
}

static void
wait_for_ticks(const Bench* const b, const uint64_t count)
{
  while (atomic_load(&b->loop.status->ticks) < count) { sched_yield(); }
}

static void
plans_change_while_it_runs(void)
{
  Bench* const  b       = bench_make(1.0f, 20.0f);
  Plugin* const doubles = start(b, 1u, 2.0f);
  Plugin* const negates = start(b, 2u, -1.0f);
  RigControl    control = control_of(0u);
  hand_over(b, &control);
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, loop_thread, &b->loop) == 0);
  for (uint32_t i = 0; i < HANDOVERS; ++i) { // none, the first, both, the first, none, ...
    control = control_of(i % 4u == 3u ? 1u : i % 4u);
    bench_feed(b, 3.0f, clock_now_ns());
    hand_over(b, &control);
  }
  wait_for_ticks(b, HANDOVERS);
  atomic_store(&b->loop.stop, true);
  pthread_join(thread, NULL);
  CHECK(b->loop.safety.output_nm == 0.0f && atomic_load(&b->loop.status->ticks) >= HANDOVERS);
  Plan* const last = atomic_load(&b->loop.handover.wanted);
  plan_release(last, NULL);
  for (int i = 0; i < 2; ++i) { CHECK(atomic_load(&b->loop.status->plugins[i].state) == PLUGIN_DETACHED); }
  stop(doubles);
  stop(negates);
  bench_end(b);
}

static void
runs_and_ends(void)
{
  Bench* const     b       = bench_make(1.0f, 20.0f);
  const RigControl control = control_of(0u);
  hand_over(b, &control);
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, loop_thread, &b->loop) == 0);
  float     torque = 0.0f;
  uint64_t  newest = 0u;
  FrameSlot slot;
  while (torque < 4.9f) { // the watchdog's alarm ends this if it never comes
    const uint64_t now_ns = clock_now_ns();
    bench_feed(b, 5.0f, now_ns);
    while (ring_pop(&b->consumer, &slot) == RING_OK) {
      CHECK(slot.reserved == ++newest);
      torque = slot.torque_out;
    }
    const struct timespec until = clock_timespec(now_ns + RIG_PERIOD_NS);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
  }
  atomic_store(&b->loop.stop, true);
  pthread_join(thread, NULL);
  while (ring_pop(&b->consumer, &slot) == RING_OK) { CHECK(slot.reserved == ++newest); }
  CHECK(slot.torque_out == 0.0f && newest == atomic_load(&b->loop.status->ticks));
  uint64_t counted = 0u;
  for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; ++i) { counted += atomic_load(&b->loop.status->lateness.counts[i]); }
  CHECK(counted == newest);
  plan_release(atomic_load(&b->loop.handover.wanted), NULL);
  bench_end(b);
}

int
main(void)
{
  static const Test tests[] = {
    {"torque goes through the plugins in the order of the chain", plugins_in_order},
    {"a plugin is called at another rate, no more and again, and torque makes no step", rates_change_without_a_step},
    {"a plugin is told when its next frame comes, and whether it shares a core", plugins_are_told_how_to_wait},
    {"the loop runs on while plugins come, stay and go", plans_change_while_it_runs},
    {"a loop that is told to stop fades out and ends", runs_and_ends},
  };
  return RUN("loop_run_test", tests);
}
