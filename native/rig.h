/// @file rig.h
/// What the processes of one rig share, file by file. Each file has one writer
/// (the plugin segment one a ring side); everybody else only reads it.
///
///   control   Latest of RigControl   dsp-helper -> wheel-rt
///   rig       RigStatus              wheel-rt -> everybody
///   input     Ring of FrameSlot      hub or another producer -> wheel-rt
///   output    Ring of FrameSlot      wheel-rt -> one consumer
///   telemetry Latest of TelemetryFrame  hub -> everybody
///   leds      Latest of LedFrame     wasm-runner -> everybody
///   scalar    Latest of SafeScalar   wasm-runner -> wheel-rt
///   plugin-N  PluginSegment          wheel-rt <-> wheel-dsp
#ifndef OPENRACING_RIG_H
#define OPENRACING_RIG_H

#include "histogram.h"
#include "latest.h"
#include "ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RIG_MAGIC 0x31474952u    ///< "RIG1"
#define RIG_VERSION 1u           ///< Changes with the layout of anything in this file
#define RIG_CHAIN_MAX 16u        ///< Fast plugins in one chain
#define RIG_RING_SLOTS 1024u     ///< Slots of every ring of a rig
#define RIG_PERIOD_NS 1000000u   ///< 1 kHz
#define RIG_TORQUE_MAX_NM 25.0f  ///< No configuration can ask for more
#define RIG_INPUT_AHEAD_MAX_NS 100000000u ///< An input frame may be due at most this far in the future

/// One slot of every ring: the guide's 32-byte PluginFrame and what process() needs beside it.
typedef struct {
  float    ffb_in;      ///< N·m, right positive
  float    torque_out;  ///< N·m
  float    wheel_speed; ///< rad/s
  uint32_t padding;
  uint64_t timestamp_ns; ///< CLOCK_MONOTONIC; input ring: when the frame is due
  uint32_t budget_us;
  uint32_t sequence;    ///< Low half of the tick's number
  float    wheel_angle; ///< rad, right positive
  float    dt;          ///< s since the plugin's previous frame
  uint32_t cpu_ns;      ///< Plugin: CPU time of the call. Output ring: lateness of the tick
  uint32_t wall_ns;     ///< Plugin: wall time of the call
  int32_t  result;      ///< What process() returned
  uint32_t status;      ///< FRAME_* bits
  uint64_t reserved;    ///< Output ring: number of the tick
} FrameSlot;

_Static_assert(sizeof(FrameSlot) == 64, "a slot is one cache line");
_Static_assert(offsetof(FrameSlot, timestamp_ns) == 16, "layout is ABI");
_Static_assert(offsetof(FrameSlot, budget_us) == 24, "layout is ABI");
_Static_assert(offsetof(FrameSlot, sequence) == 28, "layout is ABI");
_Static_assert(offsetof(FrameSlot, wheel_angle) == 32, "layout is ABI");
_Static_assert(offsetof(FrameSlot, cpu_ns) == 40, "layout is ABI");
_Static_assert(offsetof(FrameSlot, result) == 48, "layout is ABI");
_Static_assert(offsetof(FrameSlot, reserved) == 56, "layout is ABI");

#define FRAME_STALE 1u  ///< Output ring: the input was silent, torque is fading or zero
#define FRAME_MISSED 2u ///< Output ring: ticks of the schedule were lost just before this one

/// Which wheel the loop drives.
typedef enum {
  DEVICE_NONE,      ///< None: angle and speed come with the input frames
  DEVICE_SIMULATED, ///< The model of wheel.h, closed in the loop
} RigDevice;

/// One plugin's place in the chain.
typedef struct {
  uint32_t slot;     ///< Index into RigStatus.plugins
  uint32_t life;     ///< Changes when the slot is given to another plugin: its counters start anew
  uint32_t instance; ///< Number of the plugin's segment; changes when its process is started again
  uint32_t budget_us;
} ControlEntry;

/// What the loop is told. Published again and again: the publication is the adoption.
typedef struct {
  uint64_t     lease_ns; ///< CLOCK_MONOTONIC of this publication
  uint32_t     stop;     ///< 1: fade torque to zero and end
  uint32_t     device;   ///< RigDevice
  float        gain;     ///< 0..1, the rig's strength while no Safe plugin says otherwise
  float        max_torque_nm;
  float        max_slew_nm_per_s;
  uint32_t     chain_count;
  ControlEntry chain[RIG_CHAIN_MAX];
} RigControl;

_Static_assert(sizeof(RigControl) % 8u == 0, "a Latest value is whole words");

typedef enum {
  PLUGIN_DETACHED,
  PLUGIN_ATTACHED,
  PLUGIN_UNREADABLE, ///< Its segment could not be opened
  PLUGIN_CORRUPT,    ///< It wrote what cannot be; it is passed by until it is started again
} RigPluginState;

/// What the loop counted about one plugin.
typedef struct {
  _Atomic uint32_t life;
  _Atomic uint32_t instance;
  _Atomic uint32_t state; ///< RigPluginState
  _Atomic int32_t  last_result;
  _Atomic uint64_t sent;
  _Atomic uint64_t executions;        ///< Answers received, late ones included
  _Atomic uint64_t failures;          ///< Answers with a result other than 0
  _Atomic uint64_t budget_violations; ///< Answers with more CPU time than the budget
  _Atomic uint64_t missed_deadlines;  ///< Ticks that went on without this plugin's answer
  _Atomic uint64_t non_finite;        ///< Answers that were not finite, passed by
  Histogram        cpu;
  Histogram        round_trip;
} RigPlugin;

typedef enum {
  RIG_STARTING,
  RIG_RUNNING,
  RIG_ENDED,
} RigState;

/// What the loop says of itself. Floats and doubles are stored as their bits.
typedef struct {
  _Atomic uint32_t magic;
  uint32_t         version;
  _Atomic uint32_t pid;
  _Atomic uint32_t generation; ///< Times wheel-rt was started on this file
  _Atomic uint32_t state;      ///< RigState
  _Atomic uint32_t realtime;
  _Atomic uint32_t memory_locked;
  _Atomic uint32_t chain_count;
  _Atomic uint64_t beat_ns; ///< CLOCK_MONOTONIC of the newest tick
  _Atomic uint64_t ticks;
  _Atomic uint64_t missed_ticks;
  _Atomic uint64_t stale_inputs;
  _Atomic uint64_t refused_inputs;
  _Atomic uint64_t non_finite;
  _Atomic uint64_t clamped;
  _Atomic uint64_t slew_limited;
  _Atomic uint64_t in_square_sum;  ///< double, (N·m)²
  _Atomic uint64_t out_square_sum; ///< double, (N·m)²
  _Atomic uint32_t in_nm;          ///< float
  _Atomic uint32_t out_nm;         ///< float
  _Atomic uint32_t max_abs_nm;     ///< float
  _Atomic uint32_t ffb_scalar;     ///< float
  _Atomic uint32_t wheel_angle;    ///< float, rad
  _Atomic uint32_t wheel_speed;    ///< float, rad/s
  Histogram        lateness;
  Histogram        duration;
  RigPlugin        plugins[RIG_CHAIN_MAX];
} RigStatus;

#define PLUGIN_SEGMENT_MAGIC 0x31475350u ///< "PSG1"

typedef enum {
  REPORT_STARTING,
  REPORT_READY,
  REPORT_FAILED, ///< `message` says why
} ReportState;

/// What a plugin's process says of itself. It is the plugin's to scribble on.
typedef struct {
  uint32_t         magic;
  uint32_t         version;
  _Atomic uint32_t pid;
  _Atomic uint32_t state; ///< ReportState
  char             message[240];
} PluginReport;

_Static_assert(sizeof(PluginReport) == 256, "layout is ABI");

#define PLUGIN_RING_BYTES (sizeof(RingShared) + RIG_RING_SLOTS * sizeof(FrameSlot))
#define PLUGIN_RING_IN sizeof(PluginReport)
#define PLUGIN_RING_OUT (PLUGIN_RING_IN + PLUGIN_RING_BYTES)
#define PLUGIN_SEGMENT_BYTES (PLUGIN_RING_OUT + PLUGIN_RING_BYTES)

_Static_assert(PLUGIN_RING_IN % RING_LINE == 0 && PLUGIN_RING_OUT % RING_LINE == 0, "rings are aligned to cache lines");

#endif
