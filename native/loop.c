#include "loop.h"

#include "clock.h"
#include "telemetry.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/// The loop goes on without missing answers this long after a tick was due: the
/// rest of the period is for the safety stage, the device and being late.
#define CHAIN_END_NS 800000u
/// An answer that is this near is not worth a sleep and a wake-up. Bounded, so a
/// plugin that shares our core is not starved for longer.
#define SPIN_NS 30000u
/// How long torque takes from one chain to another: as long as the fade of a silent input.
#define LEAD_S ((float)SAFETY_FADE_NS * 1e-9f)
/// A Safe plugin's scalar that is older than this is no longer meant. One that came while the chain was at work is
/// younger than the tick, by a period at most.
#define SCALAR_FRESH_NS 250000000u
/// Scalars are smoothed over one period of 60 Hz telemetry.
#define SCALAR_PERIOD_S 0.016667f
#define PERIOD_S ((float)RIG_PERIOD_NS * 1e-9f)

static void
store_float(_Atomic uint32_t* const place, const float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  atomic_store_explicit(place, bits, memory_order_relaxed);
}

static float
load_float(const _Atomic uint32_t* const place)
{
  const uint32_t bits = atomic_load_explicit(place, memory_order_relaxed);
  float          value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void
add_square(_Atomic uint64_t* const place, const float value)
{
  uint64_t bits = atomic_load_explicit(place, memory_order_relaxed);
  double   sum;
  memcpy(&sum, &bits, sizeof sum);
  sum += (double)value * (double)value;
  memcpy(&bits, &sum, sizeof bits);
  atomic_store_explicit(place, bits, memory_order_relaxed);
}

static void
add(_Atomic uint64_t* const counter, const uint64_t more)
{
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}

static bool
usable(const FrameSlot* const frame)
{
  return isfinite(frame->ffb_in) && isfinite(frame->wheel_angle) && isfinite(frame->wheel_speed);
}

static float
within(const float value, const float most)
{
  return fmaxf(-most, fminf(most, value));
}

/// Takes every input frame that is due; the newest usable one stays. A producer may write ahead of time:
/// what is not due yet waits its turn, so that its own timing need not be exact.
static void
take_input(Loop* const loop, const uint64_t now_ns)
{
  for (uint32_t i = 0u; i < RIG_RING_SLOTS; ++i) {
    FrameSlot frame;
    if (ring_peek(&loop->input, &frame) != RING_OK) { return; }
    const bool too_far = frame.timestamp_ns > now_ns + RIG_INPUT_AHEAD_MAX_NS;
    if (frame.timestamp_ns > now_ns && !too_far) { return; }
    ring_drop(&loop->input);
    if (too_far || !usable(&frame)) {
      add(&loop->status->refused_inputs, 1u);
    } else {
      loop->frame             = frame;
      loop->frame.ffb_in      = within(frame.ffb_in, RIG_TORQUE_SAID_NM);
      loop->frame.wheel_angle = within(frame.wheel_angle, RIG_WHEEL_SAID);
      loop->frame.wheel_speed = within(frame.wheel_speed, RIG_WHEEL_SAID);
    }
  }
}

static bool
input_alive(Loop* const loop, const uint64_t now_ns)
{
  const bool stale = !loop->frame.timestamp_ns || now_ns - loop->frame.timestamp_ns > SAFETY_STALE_NS;
  if (stale && !loop->stale) { add(&loop->status->stale_inputs, 1u); }
  loop->stale = stale;
  return !stale;
}

static float
smooth_scalar(Loop* const loop, const float gain, const uint64_t now_ns, const float dt_s)
{
  SafeScalar scalar;
  float      target = gain;
  const uint64_t end_ns = now_ns + RIG_PERIOD_NS;
  if (latest_read(&loop->scalar, &scalar) && scalar.timestamp_ns <= end_ns &&
      end_ns - scalar.timestamp_ns < SCALAR_FRESH_NS + RIG_PERIOD_NS) {
    target = isfinite(scalar.ffb_scalar) ? within(scalar.ffb_scalar, 1.0f) : 0.0f;
  }
  const float step = dt_s / SCALAR_PERIOD_S;
  const float away = target - loop->ffb_scalar;
  loop->ffb_scalar += within(away, step);
  return loop->ffb_scalar;
}

static float
through_chain(const Plan* const plan, const FrameSlot* const frame, const Wheel wheel, const uint64_t due_ns,
              const uint64_t now_ns, const uint32_t sequence)
{
  const bool predictive = plan->waiting == WAITING_PREDICTIVE;
  ChainTick  tick       = {
          .due_ns      = due_ns,
          .deadline_ns = due_ns + CHAIN_END_NS,
          .began_ns    = now_ns,
          .spin_ns     = predictive ? SPIN_NS : 0u,
          .expecting   = predictive,
          .yield       = plan->count > 1u,
          .wheel_angle = wheel.angle_rad,
          .wheel_speed = wheel.speed_rad_s,
          .sequence    = sequence,
          .links       = plan->links,
          .count       = plan->count,
  };
  float torque = frame->ffb_in;
  for (uint32_t i = 0u; i < plan->count; ++i) {
    torque = link_step(plan->links[i], &tick, plan->every[i], torque);
  }
  return torque;
}

/// Leads torque over from one chain to the next: from where the old one left it, more and more of what the new one
/// answers. A mixture, so it lies between the two whatever the new one's filters do while they settle. Both never run at
/// once, so a plugin that is in both sees every frame once.
static float
lead_over(Loop* const loop, const Plan* const plan, const float answer_nm)
{
  if (loop->plan != plan) {
    const bool lead = loop->plan && plan->other_chain && isfinite(loop->wish_nm);
    loop->left_nm   = lead ? loop->wish_nm : loop->left_nm;
    loop->lead      = lead ? 1.0f : loop->lead;
    loop->plan      = plan;
    add(&loop->status->plans, 1u);
  }
  loop->wish_nm = loop->lead > 0.0f ? answer_nm + (loop->left_nm - answer_nm) * loop->lead : answer_nm;
  loop->lead    = fmaxf(0.0f, loop->lead - PERIOD_S / LEAD_S);
  return loop->wish_nm;
}

/// Torque needs a word that it may flow. A cell that nobody has written yet, or whose file was cut, has none; one that is
/// written just now changes nothing.
static bool
stopped(Loop* const loop)
{
  RigEstop estop;
  if (latest_read(&loop->estop, &estop)) {
    loop->estopped = estop.engaged != 0u;
  } else if (latest_is_empty(&loop->estop)) {
    loop->estopped = true;
  }
  return loop->estopped;
}

static void
report(Loop* const loop, const float in_nm, const SafetyOutcome outcome)
{
  RigStatus* const status = loop->status;
  add(&status->non_finite, outcome.non_finite ? 1u : 0u);
  add(&status->clamped, outcome.clamped ? 1u : 0u);
  add(&status->slew_limited, outcome.slew_limited ? 1u : 0u);
  add_square(&status->in_square_sum, in_nm);
  add_square(&status->out_square_sum, outcome.torque_nm);
  store_float(&status->in_nm, in_nm);
  store_float(&status->out_nm, outcome.torque_nm);
  if (fabsf(outcome.torque_nm) > load_float(&status->max_abs_nm)) {
    store_float(&status->max_abs_nm, fabsf(outcome.torque_nm));
  }
  store_float(&status->ffb_scalar, loop->ffb_scalar);
  atomic_store_explicit(&status->estopped, loop->estopped ? 1u : 0u, memory_order_relaxed);
  store_float(&status->wheel_angle, loop->wheel.angle_rad);
  store_float(&status->wheel_speed, loop->wheel.speed_rad_s);
}

/// Tells whoever listens. A reader that is behind loses this tick: it is never waited for.
static void
publish(Loop* const loop, const uint64_t tick, const uint64_t due_ns, const uint64_t lateness_ns,
        const float in_nm, const SafetyOutcome outcome)
{
  const FrameSlot slot = {
    .ffb_in       = in_nm,
    .torque_out   = outcome.torque_nm,
    .wheel_speed  = loop->wheel.speed_rad_s,
    .timestamp_ns = due_ns,
    .sequence     = (uint32_t)tick,
    .wheel_angle  = loop->wheel.angle_rad,
    .cpu_ns       = lateness_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)lateness_ns,
    .status       = (loop->stale ? FRAME_STALE : 0u) | (lateness_ns >= RIG_PERIOD_NS ? FRAME_MISSED : 0u) |
                    (loop->estopped ? FRAME_ESTOP : 0u),
    .reserved     = tick,
  };
  (void)ring_push(&loop->output, &slot);
}

void
loop_tick(Loop* const loop, const Plan* const plan, const uint64_t due_ns, const uint64_t now_ns, const float dt_s)
{
  RigStatus* const status = loop->status;
  const uint64_t   tick   = atomic_load_explicit(&status->ticks, memory_order_relaxed) + 1u;

  take_input(loop, now_ns);
  const bool alive = input_alive(loop, now_ns) && !atomic_load_explicit(&loop->stop, memory_order_relaxed);
  if (plan->device == DEVICE_NONE) {
    loop->wheel.angle_rad   = loop->frame.wheel_angle;
    loop->wheel.speed_rad_s = loop->frame.wheel_speed;
  }

  const float in_nm  = loop->stale ? 0.0f : loop->frame.ffb_in;
  const float answer = through_chain(plan, &loop->frame, loop->wheel, due_ns, now_ns, (uint32_t)tick);
  const float wish   = lead_over(loop, plan, answer);
  const float scalar = smooth_scalar(loop, plan->gain, now_ns, dt_s);
  // The period, not the time that passed: after a pause the motor gets no larger a step than ever.
  const SafetyOutcome outcome = stopped(loop) ? safety_stop(&loop->safety)
                                              : safety_step(&loop->safety, plan->limits, wish * scalar, PERIOD_S, alive);
  if (plan->device == DEVICE_SIMULATED) {
    wheel_step(&loop->wheel, &WHEEL_DIRECT_DRIVE, outcome.torque_nm, loop->frame.wheel_angle, dt_s);
  }

  report(loop, in_nm, outcome);
  publish(loop, tick, due_ns, now_ns - due_ns, in_nm, outcome);
  atomic_store_explicit(&status->chain_count, plan->count, memory_order_relaxed);
  atomic_store_explicit(&status->waiting, plan->waiting, memory_order_relaxed);
  atomic_store_explicit(&status->beat_ns, now_ns, memory_order_relaxed);
  atomic_store_explicit(&status->ticks, tick, memory_order_release);
}

static void
sleep_until(const uint64_t ns)
{
  const struct timespec time = clock_timespec(ns);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {}
}

static bool
finished(Loop* const loop)
{
  return atomic_load_explicit(&loop->stop, memory_order_relaxed) && loop->safety.output_nm == 0.0f;
}

void
loop_run(Loop* const loop)
{
  RigStatus* const status = loop->status;
  uint64_t         due_ns = clock_now_ns() + RIG_PERIOD_NS;
  while (!finished(loop)) {
    sleep_until(due_ns);
    const uint64_t now_ns   = clock_now_ns();
    const uint64_t late_ns  = now_ns - due_ns;
    const uint64_t lost     = late_ns / RIG_PERIOD_NS;
    histogram_record(&status->lateness, late_ns);
    add(&status->missed_ticks, lost);

    // Ticks that were lost are not made up for: one is done now, for the time that has passed.
    loop_tick(loop, plan_pick_up(&loop->handover), due_ns, now_ns, (float)(lost + 1u) * PERIOD_S);
    histogram_record(&status->duration, clock_now_ns() - now_ns);
    due_ns += (lost + 1u) * RIG_PERIOD_NS;
  }
}
