/// The loop, tick by tick.
#include "check.h"
#include "loop_bench.h"

#include <float.h>
#include <math.h>
#include <pthread.h>

#define FADE_TICKS (SAFETY_FADE_NS / RIG_PERIOD_NS)
#define STALE_TICKS (SAFETY_STALE_NS / RIG_PERIOD_NS)
/// What float arithmetic on a few N·m may be off by.
#define ROUNDING_NM 1e-4f

static bool
near(const float a, const float b)
{
  return fabsf(a - b) <= ROUNDING_NM;
}

static float
status_float(const _Atomic uint32_t* const place)
{
  const uint32_t bits = atomic_load(place);
  float          value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void
passes_through(void)
{
  Bench* const b = bench_make(0.5f, 20.0f);
  CHECK(near(bench_settle(b, 4.0f), 2.0f));
  const FrameSlot slot = bench_drive(b, -6.0f);
  CHECK(slot.ffb_in == -6.0f && near(slot.torque_out, -3.0f) && slot.wheel_angle == 0.5f && slot.wheel_speed == -1.0f);
  const RigStatus* const s = b->loop.status;
  CHECK(slot.status == 0u && near(status_float(&s->out_nm), -3.0f) && status_float(&s->in_nm) == -6.0f);
  CHECK(near(status_float(&s->max_abs_nm), 3.0f) && status_float(&s->ffb_scalar) == 0.5f);
  CHECK(atomic_load(&s->ticks) == b->ticks && atomic_load(&s->beat_ns) == b->now_ns && atomic_load(&s->refused_inputs) == 0u);
  bench_end(b);
}

static void
frame_waits_its_turn(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  bench_settle(b, 1.0f);
  bench_feed(b, 2.0f, b->now_ns + 3u * RIG_PERIOD_NS);
  bench_feed(b, 3.0f, b->now_ns + 3u * RIG_PERIOD_NS + 1u);
  CHECK(bench_tick(b, &b->plan).ffb_in == 1.0f);
  CHECK(bench_tick(b, &b->plan).ffb_in == 1.0f);
  CHECK(bench_tick(b, &b->plan).ffb_in == 2.0f);
  CHECK(bench_tick(b, &b->plan).ffb_in == 3.0f);
  bench_end(b);
}

static void
newest_of_several(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  for (uint64_t i = 1; i <= 40u; ++i) { bench_feed(b, (float)i, b->now_ns + i); }
  CHECK(bench_tick(b, &b->plan).ffb_in == 40.0f);
  CHECK(bench_tick(b, &b->plan).ffb_in == 40.0f);
  bench_end(b);
}

static void
impossible_frames_are_refused(void)
{
  Bench* const   b   = bench_make(1.0f, 20.0f);
  const uint64_t now = b->now_ns + RIG_PERIOD_NS;
  const FrameSlot wrong[] = {
    {.timestamp_ns = now + RIG_INPUT_AHEAD_MAX_NS + 1u, .ffb_in = 9.0f}, {.timestamp_ns = UINT64_MAX, .ffb_in = 9.0f},
    {.timestamp_ns = now, .ffb_in = NAN},                                {.timestamp_ns = now, .ffb_in = -INFINITY},
    {.timestamp_ns = now, .wheel_angle = INFINITY},                      {.timestamp_ns = now, .wheel_speed = NAN},
  };
  const uint64_t count = sizeof wrong / sizeof *wrong;
  bench_feed(b, 5.0f, now);
  for (size_t i = 0; i < count; ++i) { CHECK(ring_push(&b->producer, &wrong[i]) == RING_OK); }
  CHECK(bench_tick(b, &b->plan).ffb_in == 5.0f); // the last good one stays
  CHECK(atomic_load(&b->loop.status->refused_inputs) == count);
  bench_feed(b, 7.0f, b->now_ns + RIG_PERIOD_NS + RIG_INPUT_AHEAD_MAX_NS); // as far ahead as may be
  bench_tick(b, &b->plan);
  CHECK(atomic_load(&b->loop.status->refused_inputs) == count);
  bench_end(b);
}

static void
silence_ends_torque(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  CHECK(near(bench_settle(b, 15.0f), 15.0f));
  const uint64_t before = atomic_load(&b->loop.status->stale_inputs);
  for (uint64_t i = 0; i < STALE_TICKS; ++i) { CHECK(near(bench_tick(b, &b->plan).torque_out, 15.0f)); }
  for (uint64_t i = 1; i <= FADE_TICKS; ++i) {
    const FrameSlot slot = bench_tick(b, &b->plan);
    CHECK(slot.status == FRAME_STALE && slot.ffb_in == 0.0f);
    CHECK(near(slot.torque_out, 15.0f * (1.0f - (float)i / (float)FADE_TICKS)));
  }
  CHECK(b->loop.safety.output_nm == 0.0f);
  for (int i = 0; i < 100; ++i) { CHECK(bench_tick(b, &b->plan).torque_out == 0.0f); }
  CHECK(atomic_load(&b->loop.status->stale_inputs) == before + 1u);

  const FrameSlot back = bench_drive(b, 15.0f); // ramps, not jumps
  CHECK(near(back.torque_out, 15.0f / (float)FADE_TICKS) && back.status == 0u);
  bench_end(b);
}

static void
begins_without_torque(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  for (int i = 0; i < 10; ++i) {
    const FrameSlot slot = bench_tick(b, &b->plan);
    CHECK(slot.torque_out == 0.0f && slot.status == FRAME_STALE);
  }
  CHECK(atomic_load(&b->loop.status->stale_inputs) == 1u);
  bench_feed(b, 3.0f, 0u); // a frame without a time is as old as can be
  CHECK(bench_tick(b, &b->plan).status == FRAME_STALE);
  bench_end(b);
}

/// Drives while a Safe plugin says `scalar`, stamped `ahead_ns` from each tick.
static float
with_scalar(Bench* const b, const float scalar, const int64_t ahead_ns)
{
  float out = 0.0f;
  for (int i = 0; i < SETTLED_TICKS; ++i) {
    const uint64_t   at    = (uint64_t)((int64_t)(b->now_ns + RIG_PERIOD_NS) + ahead_ns);
    const SafeScalar value = {.timestamp_ns = at, .ffb_scalar = scalar};
    const float      old   = b->loop.ffb_scalar;
    latest_publish(&b->safe, &value);
    out = bench_drive(b, 8.0f).torque_out;
    CHECK(fabsf(b->loop.ffb_scalar - old) <= 0.0601f); // 1 ms of one period of 60 Hz
  }
  return out;
}

static void
scalar_of_safe_plugins(void)
{
  Bench* const b = bench_make(0.5f, 20.0f);
  CHECK(near(bench_settle(b, 8.0f), 4.0f));
  CHECK(near(with_scalar(b, 0.25f, 0), 2.0f));
  CHECK(near(with_scalar(b, -0.25f, 0), -2.0f));
  CHECK(near(with_scalar(b, 99.0f, 0), 8.0f));
  CHECK(near(with_scalar(b, -99.0f, 0), -8.0f));
  CHECK(near(with_scalar(b, NAN, 0), 0.0f));
  CHECK(near(with_scalar(b, INFINITY, 0), 0.0f));
  CHECK(near(with_scalar(b, 0.25f, RIG_PERIOD_NS), 2.0f));      // came while the chain was at work
  CHECK(near(with_scalar(b, 0.25f, RIG_PERIOD_NS + 1), 4.0f));  // from the future: not meant
  CHECK(near(with_scalar(b, 0.25f, -249999999), 2.0f));  // not yet stale
  CHECK(near(with_scalar(b, 0.25f, -250000000), 4.0f));  // stale
  CHECK(near(with_scalar(b, 0.25f, 0), 2.0f));
  for (int i = 0; i < 240; ++i) { CHECK(near(bench_drive(b, 8.0f).torque_out, 2.0f)); }
  for (int i = 0; i < 20; ++i) { bench_drive(b, 8.0f); } // 250 ms, and the way back
  CHECK(near(bench_drive(b, 8.0f).torque_out, 4.0f));
  bench_end(b);
}

static void
torque_is_clamped(void)
{
  Bench* const b = bench_make(1.0f, 7.0f);
  CHECK(bench_settle(b, 1000.0f) == 7.0f);
  CHECK(bench_settle(b, -FLT_MAX) == -7.0f);
  CHECK(atomic_load(&b->loop.status->clamped) == 2u * SETTLED_TICKS);
  CHECK(status_float(&b->loop.status->max_abs_nm) == 7.0f);
  b->plan.limits.max_torque_nm = 2.0f;
  CHECK(bench_drive(b, -FLT_MAX).torque_out == -2.0f); // the operator's word holds at once
  bench_end(b);
}

static void
stop_fades(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  bench_settle(b, 10.0f);
  atomic_store(&b->loop.stop, true);
  for (uint64_t i = 1; i <= FADE_TICKS; ++i) {
    const FrameSlot slot = bench_drive(b, 10.0f);
    CHECK(near(slot.torque_out, 10.0f * (1.0f - (float)i / (float)FADE_TICKS)) && slot.status == 0u);
  }
  CHECK(b->loop.safety.output_nm == 0.0f);
  bench_end(b);
}

static void
nobody_reads_the_output(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  for (uint32_t i = 0; i < RIG_RING_SLOTS + 100u; ++i) {
    b->now_ns += RIG_PERIOD_NS;
    loop_tick(&b->loop, &b->plan, b->now_ns, b->now_ns, TICK_S);
  }
  CHECK(atomic_load(&b->loop.status->ticks) == RIG_RING_SLOTS + 100u);
  for (uint32_t i = 1; i <= RIG_RING_SLOTS; ++i) {
    FrameSlot slot;
    CHECK(ring_pop(&b->consumer, &slot) == RING_OK && slot.reserved == i);
  }
  b->ticks = RIG_RING_SLOTS + 100u; // the hundred in between are lost, the next is there
  bench_tick(b, &b->plan);
  bench_end(b);
}

static void
neighbours_scribble(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  bench_settle(b, 10.0f);
  const uint64_t read = atomic_load(&b->consumer.shared->read);
  atomic_store(&b->producer.shared->written, 1ull << 50u);
  atomic_store(&b->consumer.shared->read, 1ull << 50u);
  for (uint64_t i = 0; i < STALE_TICKS + FADE_TICKS; ++i) {
    b->now_ns += RIG_PERIOD_NS;
    loop_tick(&b->loop, &b->plan, b->now_ns, b->now_ns, TICK_S);
  }
  CHECK(b->loop.safety.output_nm == 0.0f); // an input that cannot be is silence
  atomic_store(&b->producer.shared->written, b->producer.own);
  atomic_store(&b->consumer.shared->read, read);
  b->ticks += STALE_TICKS + FADE_TICKS;
  CHECK(bench_settle(b, 10.0f) == 10.0f);
  bench_end(b);
}

static void
lateness_is_told(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  bench_feed(b, 10.0f, b->now_ns);
  loop_tick(&b->loop, &b->plan, b->now_ns, b->now_ns + 3u * RIG_PERIOD_NS, 4.0f * TICK_S);
  FrameSlot slot;
  CHECK(ring_pop(&b->consumer, &slot) == RING_OK && slot.cpu_ns == 3u * RIG_PERIOD_NS && slot.status == FRAME_MISSED);
  CHECK(near(slot.torque_out, 10.0f / (float)FADE_TICKS)); // the step of one tick, not of the four that passed
  bench_end(b);
}

/// Publishes the engaged stop without a pause.
typedef struct {
  Latest*      cell;
  atomic_bool* end;
} Scribbler;

static void*
scribble(void* const argument)
{
  const Scribbler* const self    = argument;
  const RigEstop         engaged = {.engaged = 1u};
  while (!atomic_load(self->end)) { latest_publish(self->cell, &engaged); }
  return NULL;
}

static void
emergency_stop(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  CHECK(near(bench_settle(b, 15.0f), 15.0f));
  const RigEstop engaged = {.engaged = 1u};
  const RigEstop cleared = {.engaged = 0u};
  latest_publish(&b->stopper, &engaged);
  for (int i = 0; i < 1000; ++i) {
    const FrameSlot slot = bench_drive(b, 15.0f);
    CHECK(slot.torque_out == 0.0f && slot.status == FRAME_ESTOP);
  }
  CHECK(atomic_load(&b->loop.status->estopped) == 1u);
  latest_publish(&b->stopper, &cleared);
  const FrameSlot back = bench_drive(b, 15.0f); // ramps, not jumps
  CHECK(near(back.torque_out, 15.0f / (float)FADE_TICKS) && back.status == 0u);
  CHECK(near(bench_settle(b, 15.0f), 15.0f) && atomic_load(&b->loop.status->estopped) == 0u);
  bench_end(b);
}

/// Nothing was published: a cell that is new, or one whose file was cut.
static void
torque_needs_a_word(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  CHECK(near(bench_settle(b, 15.0f), 15.0f));
  const uint64_t published = atomic_load(&b->stopper.shared->published);
  atomic_store(&b->stopper.shared->published, 0u);
  const FrameSlot slot = bench_drive(b, 15.0f);
  CHECK(slot.torque_out == 0.0f && slot.status == FRAME_ESTOP);
  atomic_store(&b->stopper.shared->published, published);
  CHECK(near(bench_settle(b, 15.0f), 15.0f));
  bench_end(b);
}

/// A writer that is in the way at every attempt changes nothing.
static void
stop_holds_while_its_cell_is_written(void)
{
  Bench* const   b       = bench_make(1.0f, 20.0f);
  const RigEstop engaged = {.engaged = 1u};
  latest_publish(&b->stopper, &engaged);
  CHECK(bench_drive(b, 15.0f).torque_out == 0.0f);
  pthread_t   writer;
  atomic_bool end = false;
  Scribbler   scribbler = {.cell = &b->stopper, .end = &end};
  NEED(pthread_create(&writer, NULL, scribble, &scribbler) == 0);
  for (int i = 0; i < 2000; ++i) { CHECK(bench_drive(b, 15.0f).torque_out == 0.0f); }
  atomic_store(&end, true);
  pthread_join(writer, NULL);
  bench_end(b);
}

static void
another_chain_is_led_over(void)
{
  Bench* const b = bench_make(1.0f, 20.0f);
  CHECK(near(bench_settle(b, 10.0f), 10.0f));
  // What the new chain answers is 6 N·m below the old one: as if the input had changed.
  Plan next        = b->plan;
  next.other_chain = true;
  for (uint64_t i = 0; i <= FADE_TICKS; ++i) {
    bench_feed(b, 4.0f, b->now_ns + RIG_PERIOD_NS);
    const float expected = 4.0f + 6.0f * (1.0f - (float)i / (float)FADE_TICKS);
    CHECK(near(bench_tick(b, &next).torque_out, expected));
  }
  bench_feed(b, 8.0f, b->now_ns + RIG_PERIOD_NS);
  CHECK(near(bench_tick(b, &next).torque_out, 8.0f)); // it is over
  CHECK(atomic_load(&b->loop.status->plans) == 2u);
  // A filter that settles: its first answer is far from its next ones, and the torque stays between old and new.
  Plan settling = next;
  for (uint64_t i = 0; i <= FADE_TICKS; ++i) {
    bench_feed(b, i < 3u ? 0.0f : 8.0f, b->now_ns + RIG_PERIOD_NS);
    const float out = bench_tick(b, &settling).torque_out;
    CHECK(out <= 8.0f + ROUNDING_NM && out >= 0.0f);
  }
  // Other limits and the same chain: what comes in is not held up.
  next.other_chain = false;
  Plan last        = next;
  bench_feed(b, 2.0f, b->now_ns + RIG_PERIOD_NS);
  CHECK(near(bench_tick(b, &last).torque_out, 2.0f));
  bench_end(b);
}

static void
simulated_wheel(void)
{
  Bench* const b = bench_make(0.0f, 20.0f);
  b->plan.device = DEVICE_SIMULATED;
  for (int i = 0; i < 3000; ++i) { bench_drive(b, 0.0f); }
  const FrameSlot slot = bench_drive(b, 0.0f);
  CHECK(fabsf(slot.wheel_angle - 0.5f) < 0.01f && slot.wheel_speed == 0.0f);
  for (int i = 0; i < 1000; ++i) {
    const FrameSlot absurd = {.wheel_angle = i % 2 ? FLT_MAX : -FLT_MAX, .timestamp_ns = b->now_ns + 1u};
    CHECK(ring_push(&b->producer, &absurd) == RING_OK);
    const FrameSlot out = bench_tick(b, &b->plan);
    CHECK(isfinite(out.wheel_angle) && isfinite(out.wheel_speed));
  }
  bench_end(b);
}

static void
any_input_is_safe(void)
{
  Bench* const b              = bench_make(1.0f, 12.0f);
  b->plan.limits              = (SafetyLimits){.max_torque_nm = 12.0f, .max_slew_nm_per_s = 1000.0f}; // 1 N·m in a tick
  b->plan.other_chain         = true;
  Plan         other          = b->plan;
  uint64_t     random         = 1u;
  float        before         = 0.0f;
  for (int i = 0; i < 200000; ++i) {
    FrameSlot frame;
    for (size_t at = 0; at < sizeof frame; at += 8u) {
      const uint64_t word = check_random(&random);
      memcpy((uint8_t*)&frame + at, &word, sizeof word);
    }
    frame.timestamp_ns = b->now_ns + check_below(&random, 2u * RIG_PERIOD_NS);
    (void)ring_push(&b->producer, &frame);
    if (check_below(&random, 10u) == 0u) {
      SafeScalar scalar = {.timestamp_ns = b->now_ns + check_below(&random, RIG_PERIOD_NS)};
      const uint32_t bits = (uint32_t)check_random(&random);
      memcpy(&scalar.ffb_scalar, &bits, sizeof bits);
      latest_publish(&b->safe, &scalar);
    }
    Plan* const plan      = check_below(&random, 20u) ? &b->plan : &other; // now and then another chain for a tick
    plan->device          = check_below(&random, 2u) ? DEVICE_SIMULATED : DEVICE_NONE;
    const FrameSlot slot  = bench_tick(b, plan);
    CHECK(isfinite(slot.torque_out) && fabsf(slot.torque_out) <= 12.0f && fabsf(slot.torque_out - before) <= 1.0f + ROUNDING_NM);
    CHECK(isfinite(slot.wheel_angle) && isfinite(slot.wheel_speed) && isfinite(slot.ffb_in));
    before = slot.torque_out;
  }
  CHECK(atomic_load(&b->loop.status->refused_inputs) > 0u);
  bench_end(b);
}

int
main(void)
{
  static const Test tests[] = {
    {"without plugins the torque is the input times the gain", passes_through},
    {"a frame that is due later waits until it is", frame_waits_its_turn},
    {"of several frames that are due the newest counts", newest_of_several},
    {"a frame too far ahead or not finite is refused and counted", impossible_frames_are_refused},
    {"100 ms of silence are counted once, and 50 ms later there is no torque", silence_ends_torque},
    {"a rig that was never fed gives no torque", begins_without_torque},
    {"a Safe plugin's scalar counts while it is fresh, and moves smoothly", scalar_of_safe_plugins},
    {"torque is clamped, and a lowered clamp holds at once", torque_is_clamped},
    {"an emergency stop is zero torque from the next tick on, until it is cleared", emergency_stop},
    {"torque needs a word that it may flow: a stop that nobody wrote, or whose file was cut, is engaged", torque_needs_a_word},
    {"a stop holds while its cell is written again and again", stop_holds_while_its_cell_is_written},
    {"torque is led over from one chain to another in 50 ms, without a step", another_chain_is_led_over},
    {"a stop fades the torque out in 50 ms", stop_fades},
    {"each tick has a slot in the output ring, and a reader that is behind is not waited for", nobody_reads_the_output},
    {"neighbours that scribble on their counters are silence, and are heard again afterwards", neighbours_scribble},
    {"a tick that is late says so, and makes no larger a step", lateness_is_told},
    {"a simulated wheel follows the hands, and no wish makes it leave the numbers", simulated_wheel},
    {"whatever comes in, what goes out is within the clamps", any_input_is_safe},
  };
  return RUN("loop_test", tests);
}
