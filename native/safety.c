#include "safety.h"

#include <math.h>

/// A fade this near to its end has ended: more than 50 subtractions from 1 can leave by rounding, 50 · 2^-24.
#define FADE_REST 1e-5f

static float
clamp(const float value, const float low, const float high)
{
  return value < low ? low : value > high ? high : value;
}

SafetyOutcome
safety_step(Safety* const safety, const SafetyLimits limits, const float wish_nm, const float dt_s, const bool alive)
{
  SafetyOutcome outcome = {.torque_nm = 0.0f};

  outcome.non_finite = !isfinite(wish_nm);
  const float finite = outcome.non_finite ? 0.0f : wish_nm;

  // A clamp that is lowered while somebody holds the wheel is no reason for a step: it comes down as torque would, and
  // not beside a fade that takes everything down already.
  const float slew_nm  = limits.max_slew_nm_per_s * dt_s;
  const float lower_nm = alive ? fmaxf(slew_nm, SAFETY_LOWER_NM_PER_S * dt_s) : 0.0f;
  safety->ceiling_nm   = fmaxf(limits.max_torque_nm, safety->fade > 0.0f ? safety->ceiling_nm - lower_nm : 0.0f);

  const float clamped = clamp(finite, -safety->ceiling_nm, safety->ceiling_nm);
  outcome.clamped     = clamped != finite;

  const float fade_step = dt_s / ((float)SAFETY_FADE_NS * 1e-9f);
  safety->fade          = clamp(safety->fade + (alive ? fade_step : -fade_step), 0.0f, 1.0f);
  if (!alive && safety->fade < FADE_REST) { safety->fade = 0.0f; }

  const float faded    = clamped * safety->fade;
  const float limited  = clamp(faded, safety->output_nm - slew_nm, safety->output_nm + slew_nm);
  outcome.slew_limited = limited != faded;
  // The old output may be above the clamp that is lowered now: the clamp wins over the slew. It fades too, so when the
  // fade has ended there is nothing, whatever was lowered during it.
  const float room  = safety->ceiling_nm * safety->fade;
  outcome.torque_nm = clamp(limited, -room, room);
  safety->output_nm = outcome.torque_nm;
  return outcome;
}

SafetyOutcome
safety_stop(Safety* const safety)
{
  const Safety        nothing = {.output_nm = 0.0f};
  const SafetyOutcome outcome = {.torque_nm = 0.0f};
  *safety                     = nothing;
  return outcome;
}
