/// The last stage before the motor.
#include "../rig.h"
#include "../safety.h"
#include "check.h"

#include <float.h>
#include <math.h>

#define TICK_S ((float)RIG_PERIOD_NS * 1e-9f)
#define FADE_TICKS (SAFETY_FADE_NS / RIG_PERIOD_NS)
#define STEPS 2000000u
/// What float arithmetic on torques up to 25 N·m may be off by: a few units in the last place of 25 (2e-6), and
/// the rest of a fade that is cut off (1e-5 of 25 N·m).
#define ROUNDING_NM 3e-4f

static float
uniform(uint64_t* const random, const float low, const float high)
{
  return low + (high - low) * (float)(check_random(random) >> 40u) / (float)(1u << 24u);
}

/// Limits as plan.c makes them: the slew can follow the fade.
static SafetyLimits
random_limits(uint64_t* const random)
{
  const float max = check_below(random, 8u) ? uniform(random, 0.0f, RIG_TORQUE_MAX_NM) : 0.0f;
  const float min = max / ((float)SAFETY_FADE_NS * 1e-9f);
  return (SafetyLimits){.max_torque_nm = max, .max_slew_nm_per_s = check_below(random, 2u) ? min : uniform(random, min, 1e6f)};
}

static float
random_wish(uint64_t* const random)
{
  static const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -FLT_TRUE_MIN, 0.0f, -0.0f};
  const uint32_t     any   = check_below(random, 40u);
  return any < 10u ? odd[any] : uniform(random, -40.0f, 40.0f);
}

static void
always_within_bounds(void)
{
  uint64_t     random = 1u;
  Safety       safety = {0};
  SafetyLimits limits = random_limits(&random);
  bool         alive  = true;
  for (uint32_t i = 0; i < STEPS; ++i) {
    if (check_below(&random, 20u) == 0u) { limits = random_limits(&random); }
    if (check_below(&random, 30u) == 0u) { alive = !alive; }
    const float         dt      = check_below(&random, 4u) ? TICK_S : uniform(&random, 0.0f, check_below(&random, 2u) ? 1.0f : TICK_S);
    const float         wish    = random_wish(&random);
    const float         before  = safety.output_nm;
    // A clamp that was lowered comes down at the slew, in 50 ms at the most, or by the fade.
    const float         rate    = fmaxf(limits.max_slew_nm_per_s, safety.ceiling_nm > limits.max_torque_nm ? SAFETY_LOWER_NM_PER_S : 0.0f);
    const float         lower   = alive ? fmaxf(limits.max_slew_nm_per_s * dt, SAFETY_LOWER_NM_PER_S * dt) : 0.0f;
    const float         ceiling = fmaxf(limits.max_torque_nm, safety.fade > 0.0f ? safety.ceiling_nm - lower : 0.0f);
    const SafetyOutcome outcome = safety_step(&safety, limits, wish, dt, alive);
    const float         out     = outcome.torque_nm;
    CHECK(isfinite(out) && fabsf(out) <= ceiling && safety.ceiling_nm == ceiling);
    CHECK(fabsf(out - before) <= rate * dt * (1.0f + 1e-6f) + ROUNDING_NM);
    CHECK(outcome.non_finite == !isfinite(wish));
    CHECK(outcome.clamped == (isfinite(wish) && fabsf(wish) > ceiling));
    CHECK(safety.output_nm == out && safety.fade >= 0.0f && safety.fade <= 1.0f);
  }
}

static void
silence_ends_torque(void)
{
  uint64_t random = 2u;
  for (int i = 0; i < 20000; ++i) {
    Safety       safety = {0};
    SafetyLimits limits = random_limits(&random);
    for (uint32_t tick = check_below(&random, 200u); tick > 0u; --tick) {
      safety_step(&safety, limits, random_wish(&random), TICK_S, true);
    }
    float out = safety.output_nm;
    for (uint32_t tick = 0; tick < FADE_TICKS; ++tick) {
      if (check_below(&random, 50u) == 0u) { limits = random_limits(&random); }
      out = safety_step(&safety, limits, random_wish(&random), TICK_S, false).torque_nm;
    }
    CHECK(out == 0.0f);
    CHECK(safety_step(&safety, limits, RIG_TORQUE_MAX_NM, TICK_S, false).torque_nm == 0.0f);
  }
}

static void
ramps_from_nothing(void)
{
  const SafetyLimits limits = {.max_torque_nm = 20.0f, .max_slew_nm_per_s = 1e6f};
  Safety             safety = {0};
  float              before = 0.0f;
  for (uint32_t tick = 1; tick <= FADE_TICKS; ++tick) {
    const float out = safety_step(&safety, limits, 10.0f, TICK_S, true).torque_nm;
    CHECK(fabsf(out - 10.0f * (float)tick / (float)FADE_TICKS) < ROUNDING_NM && out > before);
    before = out;
  }
  CHECK(fabsf(before - 10.0f) < ROUNDING_NM);
}

static void
lowered_clamp_is_no_step(void)
{
  const SafetyLimits high   = {.max_torque_nm = 25.0f, .max_slew_nm_per_s = 5000.0f};
  const SafetyLimits low    = {.max_torque_nm = 5.0f, .max_slew_nm_per_s = 100.0f};
  Safety             safety = {0};
  for (uint32_t tick = 0; tick < FADE_TICKS + 10u; ++tick) { safety_step(&safety, high, 25.0f, TICK_S, true); }
  float before = safety.output_nm;
  CHECK(before == 25.0f);
  for (uint32_t tick = 0; tick < FADE_TICKS; ++tick) {
    const float out = safety_step(&safety, low, 25.0f, TICK_S, true).torque_nm;
    CHECK(before - out <= 0.5f + ROUNDING_NM && out >= 5.0f);
    before = out;
  }
  CHECK(before == 5.0f);
}

static void
slew_reaches_the_wish(void)
{
  const SafetyLimits limits = {.max_torque_nm = 20.0f, .max_slew_nm_per_s = 1000.0f}; // 1 N·m in a tick
  Safety             safety = {.fade = 1.0f};
  for (int tick = 1; tick <= 12; ++tick) {
    const SafetyOutcome outcome = safety_step(&safety, limits, -10.0f, TICK_S, true);
    CHECK(fabsf(outcome.torque_nm + fminf(10.0f, (float)tick)) < ROUNDING_NM);
    CHECK(outcome.slew_limited == (tick < 10) || tick == 10); // at the tenth it may be a rounding away
  }
}

int
main(void)
{
  static const Test tests[] = {
    {"whatever is wished, what leaves is finite, within the clamp and no faster than the slew", always_within_bounds},
    {"torque is exactly nothing 50 ms after the input fell silent, whatever was wished and set meanwhile", silence_ends_torque},
    {"torque begins at nothing and ramps up in 50 ms", ramps_from_nothing},
    {"a clamp that is lowered comes down in 50 ms, without a step", lowered_clamp_is_no_step},
    {"the slew clamp takes the torque to the wish, step by step", slew_reaches_the_wish},
  };
  return RUN("safety_test", tests);
}
