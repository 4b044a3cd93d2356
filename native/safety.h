/// @file safety.h
/// The last stage before the motor. Whatever came before, what leaves here is
/// finite, within the torque clamp, and changes no faster than the slew clamp; an
/// emergency stop alone is nothing at once.
#ifndef OPENRACING_SAFETY_H
#define OPENRACING_SAFETY_H

#include <stdbool.h>
#include <stdint.h>

#define SAFETY_STALE_NS 100000000u ///< An input this old is silence
#define SAFETY_FADE_NS 50000000u   ///< From full to nothing when the input falls silent, and back
/// How fast the clamp itself comes down when it is lowered, at least: from the strongest base's 25 N·m in the time of a fade.
#define SAFETY_LOWER_NM_PER_S 500.0f

/// Both finite and not negative. The slew must be able to follow the fade: at least max_torque_nm in 50 ms.
typedef struct {
  float max_torque_nm;
  float max_slew_nm_per_s;
} SafetyLimits;

/// What the stage remembers between ticks. All zeroes is its beginning: torque ramps up from nothing.
typedef struct {
  float output_nm; ///< What the motor was told last
  float fade;      ///< 0..1, how much of the torque is let through
  float ceiling_nm; ///< The clamp in force: max_torque_nm, or on its way down to it
} Safety;

typedef struct {
  float torque_nm;
  bool  non_finite;   ///< The wish was not finite and counted as 0
  bool  clamped;      ///< The torque clamp cut
  bool  slew_limited; ///< The slew clamp cut
} SafetyOutcome;

/// Real-time. One tick: `wish_nm` is what the chain asks for, `dt_s` (0 to 1) the
/// time since the previous tick, `alive` whether the input is fresh and torque is wanted.
SafetyOutcome safety_step(Safety* safety, SafetyLimits limits, float wish_nm, float dt_s, bool alive);

/// Real-time. One tick of an emergency stop: nothing at once, whatever the slew clamp says. Torque ramps up from nothing after it.
SafetyOutcome safety_stop(Safety* safety);

#endif
