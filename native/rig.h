/// @file rig.h
/// What the processes of one rig share, file by file. Each file has one writer
/// (the plugin segment one a ring side); everybody else only reads it.
///
///   control   Latest of RigControl   dsp-helper -> wheel-rt
///   estop     Latest of RigEstop     host -> wheel-rt
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
#define RIG_VERSION 5u           ///< Changes with the layout of anything in this file
#define RIG_CHAIN_MAX 16u        ///< Fast plugins in one chain
#define RIG_RING_SLOTS 1024u     ///< Slots of every ring of a rig
#define RIG_PERIOD_NS 1000000u   ///< 1 kHz
#define RIG_EVERY_MAX 4u         ///< The slowest that a plugin is called: each fourth tick, 250 Hz
#define RIG_TORQUE_MAX_NM 25.0f  ///< No configuration can ask for more: the strongest direct-drive bases on sale
#define RIG_TORQUE_ASSENT_NM 5.0f ///< Nor for more than this without the operator's assent
/// What games and plugins say is taken to be no more than this, so that none makes another one reach infinity.
#define RIG_TORQUE_SAID_NM 100.0f ///< Four times the strongest base
#define RIG_WHEEL_SAID 1000.0f    ///< rad and rad/s
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
  uint32_t cpu_ns;      ///< Plugin: CPU time of the call before this one. Output ring: lateness of the tick
  uint32_t wall_ns;     ///< Plugin: wall time of the call
  int32_t  result;      ///< What process() returned
  uint32_t status;      ///< FRAME_* bits
  uint64_t reserved;    ///< Output ring: number of the tick. To a plugin: when its next frame is expected, 0: not told
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
#define FRAME_ESTOP 8u  ///< Output ring: the emergency stop holds torque at zero
#define FRAME_TIMED 16u ///< From a plugin: there was a call before this one, `cpu_ns` is its time
#define FRAME_YIELD 4u  ///< To a plugin: others wait on the same core, so a spin gives way to them

/// Which wheel the loop drives.
typedef enum {
  DEVICE_NONE,      ///< None: angle and speed come with the input frames
  DEVICE_SIMULATED, ///< The model of wheel.h, closed in the loop
} RigDevice;

/// How the loop and a plugin's process wait for each other.
typedef enum {
  WAITING_PREDICTIVE, ///< The plugin is awake shortly before its frame is due, and both spin for a bounded time
  WAITING_FUTEX,      ///< Both sleep until they are woken
} RigWaiting;

/// One plugin's place in the chain.
typedef struct {
  uint32_t slot;     ///< Index into RigStatus.plugins
  uint32_t life;     ///< Changes when the slot is given to another plugin: its counters start anew
  uint32_t instance; ///< Number of the plugin's segment; changes when its process is started again
  uint32_t budget_us;
  uint32_t pid; ///< Of its process, which is lent the real-time priority; 0: none is lent
  uint32_t every; ///< It is called each so many ticks: 1, 2 or 4; 0: never. It may change while the process goes on
} ControlEntry;

_Static_assert(sizeof(ControlEntry) == 24, "layout is ABI");
_Static_assert(offsetof(ControlEntry, pid) == 16, "layout is ABI");
_Static_assert(offsetof(ControlEntry, every) == 20, "layout is ABI");

/// What the loop is told. Published again and again: the publication is the adoption.
typedef struct {
  uint64_t     lease_ns; ///< CLOCK_MONOTONIC of this publication
  uint32_t     stop;     ///< 1: fade torque to zero and end
  uint32_t     device;   ///< RigDevice
  float        gain;     ///< 0..1, the rig's strength while no Safe plugin says otherwise
  float        max_torque_nm;
  float        max_slew_nm_per_s;
  uint32_t     assent;  ///< 1: the operator allows more than RIG_TORQUE_ASSENT_NM
  uint32_t     waiting; ///< RigWaiting
  uint32_t     chain_count;
  ControlEntry chain[RIG_CHAIN_MAX];
} RigControl;

/// The emergency stop. The loop reads it every tick; it stays as it is until somebody clears it. While nobody has written
/// one it is engaged.
typedef struct {
  uint64_t engaged; ///< 0: no
} RigEstop;

_Static_assert(offsetof(RigControl, chain) == 40, "layout is ABI");
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
  _Atomic uint64_t budget_violations; ///< Answers with more CPU time than the budget, but for accidents (account_over() in chain.c)
  _Atomic uint64_t missed_deadlines;  ///< Ticks of its own that went on without this plugin's answer
  _Atomic uint64_t left_out;          ///< Of those, ticks whose time the plugins before it had used up: it was not asked
  _Atomic uint64_t in_the_way;        ///< Times it computed on after its answer while a tick waited for another plugin
  _Atomic uint64_t non_finite;        ///< Answers that were not finite, passed by
  _Atomic uint64_t under_way_ns;      ///< When the frame that is with it was sent, CLOCK_MONOTONIC; 0: none is
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
  _Atomic uint32_t estopped; ///< 1: the emergency stop holds torque at zero
  _Atomic uint32_t waiting;  ///< RigWaiting in use
  _Atomic uint64_t plans;    ///< Times the loop went over to another chain or other limits
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

/// What ended a plugin's process, as far as it could say so itself.
typedef enum {
  END_NONE,
  END_SIGNAL,  ///< `number`: the signal; `address`: of the instruction; `value`: the address that it used
  END_SYSCALL, ///< A system call outside its filter. `number`: the call; `address`: of the instruction; `value`: first argument
  END_TIMEOUT, ///< A call that did not return. `value`: its CPU time so far, ns
  END_RING,    ///< It destroyed one of its rings. `number`: 0 its input ring, 1 its output ring; `value`: a count found there
} EndKind;

/// What its plugin was doing.
typedef enum {
  PHASE_LOADING,    ///< Constructors, get_plugin_vtable(), get_info()
  PHASE_CREATING,   ///< create()
  PHASE_IDLE,       ///< Between frames
  PHASE_PROCESSING, ///< process(), with the frame `sequence`
  PHASE_DESTROYING, ///< destroy()
} PluginPhase;

/// Written by a signal handler, or by who finds a ring destroyed, before the process ends.
typedef struct {
  _Atomic uint32_t kind; ///< EndKind; stored last
  int32_t          number;
  uint64_t         address;
  uint64_t         value;
  uint32_t         phase;    ///< PluginPhase
  uint32_t         sequence; ///< Of the frame
  /// The plugin's function with the distance, `process+0x1f`: that of `address`, or of the call out of the plugin that led
  /// there; may be empty.
  char             symbol[96];
} PluginEnd;

_Static_assert(sizeof(PluginEnd) == 128, "layout is ABI");

#define SANDBOX_LANDLOCK 1u ///< Files are out of reach
#define SANDBOX_SECCOMP 2u  ///< System calls are filtered

/// What a plugin's process says of itself. It is the plugin's to scribble on.
typedef struct {
  uint32_t         magic;
  uint32_t         version;
  _Atomic uint32_t pid;
  _Atomic uint32_t state; ///< ReportState
  char             message[240];
  PluginEnd        end;
  _Atomic uint32_t phase;    ///< PluginPhase
  _Atomic uint32_t sequence; ///< Of the newest frame that it was given
  _Atomic uint32_t sandbox;  ///< SANDBOX_* bits
  uint32_t         padding;
  _Atomic uint64_t memory_bytes;   ///< Allocated by the plugin now
  _Atomic uint64_t memory_max;     ///< The most so far, bytes
  _Atomic uint64_t memory_refused; ///< Allocations that its limit refused
  _Atomic uint64_t allocations;    ///< malloc, calloc, realloc and the like during process()
  uint8_t          reserved[16];
  alignas(RING_LINE) _Atomic uint64_t left_out; ///< Stored by the loop, which is there although it sends no frame
  uint8_t          reserved_too[56];
} PluginReport;

_Static_assert(sizeof(PluginReport) == 512, "layout is ABI");
_Static_assert(offsetof(PluginReport, end) == 256, "layout is ABI");

#define PLUGIN_RING_BYTES (sizeof(RingShared) + RIG_RING_SLOTS * sizeof(FrameSlot))
#define PLUGIN_RING_IN sizeof(PluginReport)
#define PLUGIN_RING_OUT (PLUGIN_RING_IN + PLUGIN_RING_BYTES)
#define PLUGIN_SEGMENT_BYTES (PLUGIN_RING_OUT + PLUGIN_RING_BYTES)

_Static_assert(PLUGIN_RING_IN % RING_LINE == 0 && PLUGIN_RING_OUT % RING_LINE == 0, "rings are aligned to cache lines");

#endif
