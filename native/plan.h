/// @file plan.h
/// What the loop works by, made outside the loop and handed to it whole.
///
/// The control thread builds a Plan from the newest RigControl and stores it in
/// `wanted`; the loop picks it up at its next tick and says so in `in_use`. Only
/// then is the previous one taken apart. Links that both plans hold are the same
/// object: a plugin that stays keeps its place in its conversation.
#ifndef OPENRACING_PLAN_H
#define OPENRACING_PLAN_H

#include "chain.h"
#include "rig.h"
#include "safety.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  SafetyLimits limits;
  float        gain;
  RigDevice    device;
  RigWaiting   waiting;
  uint32_t     count;
  Link*        links[RIG_CHAIN_MAX];
  uint32_t     every[RIG_CHAIN_MAX]; ///< In how many ticks each of them is called once: 1, 2 or 4; 0: never
  bool         other_chain; ///< Other plugins are called than by the previous plan: torque is to be led over from one to the other
  bool         again; ///< A place was left out: the previous plan still counts in its slot. Build once more after it
} Plan;

typedef struct {
  _Atomic(Plan*) wanted;
  _Atomic(Plan*) in_use;
} PlanHandover;

/// Makes the plan for `control`, with links of `previous` (may be NULL) where they
/// are still asked for. What `control` says is bounded here: a torque clamp above
/// 25 N·m, a gain above 1 or a count above 16 does not reach the loop.
/// Plugins whose segment cannot be opened are left out and marked in `status`; so are those in a slot that
/// another life has in `previous` (see `again`) or in an earlier place.
/// NULL when memory ran out.
Plan* plan_build(const RigControl* control, const Plan* previous, const char* directory, RigStatus* status);

/// Frees `plan`, and its links that `next` (may be NULL) does not hold.
void plan_release(Plan* plan, const Plan* next);

/// Real-time. The plan of this tick.
Plan* plan_pick_up(PlanHandover* handover);

#endif
