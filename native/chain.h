/// @file chain.h
/// The loop's side of the Fast plugins: each tick, one frame through each of them
/// in order. At most one frame is under way to a plugin, so one that hangs costs a
/// single missed answer and is passed by from the next tick on, at no cost.
#ifndef OPENRACING_CHAIN_H
#define OPENRACING_CHAIN_H

#include "plugin_segment.h"
#include "priority.h"
#include "rig.h"

#include <stdbool.h>
#include <stdint.h>

/// What a plugin's process had used at one time, and what it had been asked for.
typedef struct {
  uint64_t at_ns;  ///< CLOCK_MONOTONIC
  uint64_t cpu_ns; ///< Its CPU time
  uint64_t had_ns; ///< How long it had frames
  uint64_t sent;   ///< How many
} Usage;

/// One plugin as the loop sees it.
typedef struct {
  PluginSegment shared;
  RigPlugin*    count; ///< Our counters about it, in RigStatus
  ControlEntry  entry;
  Priority      priority;
  uint64_t      sent_due_ns; ///< When the tick of its previous frame was due; 0 before the first
  uint64_t      sent_ns;     ///< When that frame was sent
  uint64_t      had_ns;      ///< How long it had all frames that it answered
  uint64_t      budget_end_ns; ///< When the loop waits no more for the frame that is with it
  uint64_t      over_at;    ///< Number of the newest answer that had spent more than the budget; 0: none has
  uint64_t      over_often; ///< What such answers have filled of a bucket that runs dry, in answers
  uint64_t      over_twice; ///< What those that had spent twice as much have
  Usage         window;     ///< From where it is looked whether it computes for nobody; 0: from nowhere yet
  uint32_t      in_way;     ///< Windows in succession in which it did
  uint64_t      barred_until_ns; ///< It is lent no priority before: it was in another one's way
  uint32_t      under_way;   ///< Sequence of the frame that is with it
  bool          waiting;     ///< A frame is with it
  bool          answered;    ///< It has answered a frame of this loop: what a loop before this one asked for is through
  bool          holds;       ///< `held_nm` stands until its next turn
  float         held_nm;     ///< What it answered in its newest turn
  bool          corrupt;     ///< It wrote what cannot be: never touched again
} Link;

/// One tick as the plugins see it.
typedef struct {
  uint64_t due_ns;      ///< When the tick was due, CLOCK_MONOTONIC
  uint64_t deadline_ns; ///< When the loop goes on without those that have not answered
  uint64_t began_ns;    ///< When it began
  uint64_t spin_ns;     ///< How long to spin for an answer before sleeping for it
  bool     expecting;   ///< Tell the plugins when their next frame comes, so that they are awake
  bool     yield;       ///< Plugins share cores: their spins give way
  float    wheel_angle; ///< rad
  float    wheel_speed; ///< rad/s
  uint32_t sequence;
  Link* const* links;    ///< The chain
  uint32_t     count;
} ChainTick;

/// Opens a plugin's segment in `directory` and lends its process the real-time priority. Not real-time. 0 or an errno;
/// EPROTO when it is no plugin segment.
int link_open(Link* link, const char* directory, ControlEntry entry, RigPlugin* count);

/// Not real-time. May be called twice.
void link_close(Link* link);

/// Real-time: bounded by the tick's deadline. In the plugin's turn, which is each `every`th tick, sends `ffb_in` through it and
/// returns its answer; returns `ffb_in` where there is none in time, or none that may be used. Between its turns returns what
/// it answered in the last one, and `ffb_in` where that is nothing that may be used. One that is never called (`every` is 0)
/// is told that there is a loop.
float link_step(Link* link, ChainTick* tick, uint32_t every, float ffb_in);

/// Real-time: a system call for each plugin, and those some forty ms apart. Looks who keeps the core from a plugin that a
/// tick waited for in vain: one that uses far more CPU time than its frames account for. It loses the priority for a second,
/// and that is counted.
void chain_clear_way(Link* const* links, uint32_t count);

#endif
