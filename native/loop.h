/// @file loop.h
/// The 1 kHz loop: input, chain of Fast plugins, scalar of the Safe ones, safety, wheel.
#ifndef OPENRACING_LOOP_H
#define OPENRACING_LOOP_H

#include "latest.h"
#include "plan.h"
#include "rig.h"
#include "ring.h"
#include "safety.h"
#include "wheel.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/// Everything that the loop touches. Made before it starts; the loop is the only user until it has ended.
typedef struct {
  RigStatus*     status;
  PlanHandover   handover;
  Ring           input;
  Ring           output;
  Latest         scalar;
  Latest         estop;
  atomic_bool    stop; ///< Set by anybody: fade torque out and end
  Safety         safety;
  Wheel          wheel;
  FrameSlot      frame;      ///< The newest input frame that was due
  float          ffb_scalar; ///< The factor in use, on its way to the newest one
  const Plan*    plan;       ///< The previous tick's; only its address is meant, it may be gone
  float          wish_nm;    ///< What the previous tick's chain asked for, led over
  float          left_nm;    ///< Where the chain before this one left the torque
  float          lead;       ///< 0..1, how much of `left_nm` is still in it
  bool           stale;
  bool           estopped;
} Loop;

/// Runs until `stop` is set and torque has faded to nothing. Real-time: allocates
/// nothing, logs nothing, sleeps only for its next tick and for a plugin's answer.
void loop_run(Loop* loop);

/// One tick that was due at `due_ns` and began at `now_ns`. Called by loop_run(), and by tests with times of their own.
void loop_tick(Loop* loop, const Plan* plan, uint64_t due_ns, uint64_t now_ns, float dt_s);

#endif
