/// Prints gen/layout.ts: where each field of the shared structs is, for the TypeScript that reads them.
/// The structs of rig.h and telemetry.h are the only source of these numbers.
#include "rig.h"
#include "telemetry.h"

#include <stdio.h>

// The kind by which TypeScript reads a field. Bits of floats in atomics are named by hand with AS().
#define KIND(x)                                                                                              \
  _Generic((x), _Atomic uint32_t: "u32", uint32_t: "u32", _Atomic int32_t: "i32", int32_t: "i32",            \
    _Atomic uint64_t: "u64", uint64_t: "u64", float: "f32", default: "bytes")

#define AS(type, field, kind) \
  printf("  %s: { offset: %zu, kind: '%s', bytes: %zu },\n", #field, offsetof(type, field), kind, sizeof(((type*)0)->field))
#define F(type, field) AS(type, field, KIND(((type*)0)->field))
#define BEGIN(name) printf("\nexport const %s = {\n", name)
#define END() printf("} as const\n")
#define CONSTANT(name, value) printf("export const %s = %zu\n", name, (size_t)(value))

static void
telemetry_frame(void)
{
  BEGIN("telemetryFrame");
  F(TelemetryFrame, timestamp_us);
  F(TelemetryFrame, sequence);
  F(TelemetryFrame, ffb_scalar);
  F(TelemetryFrame, ffb_torque_nm);
  F(TelemetryFrame, rpm);
  F(TelemetryFrame, max_rpm);
  F(TelemetryFrame, speed_ms);
  F(TelemetryFrame, slip_ratio);
  F(TelemetryFrame, gear);
  F(TelemetryFrame, flags);
  F(TelemetryFrame, throttle);
  F(TelemetryFrame, brake);
  F(TelemetryFrame, clutch);
  F(TelemetryFrame, steering_angle);
  F(TelemetryFrame, lateral_g);
  F(TelemetryFrame, longitudinal_g);
  F(TelemetryFrame, vertical_g);
  F(TelemetryFrame, slip_angle);
  F(TelemetryFrame, tire_temp);
  F(TelemetryFrame, tire_pressure);
  F(TelemetryFrame, fuel_fraction);
  F(TelemetryFrame, engine_temp);
  F(TelemetryFrame, position);
  F(TelemetryFrame, lap);
  F(TelemetryFrame, current_lap_time);
  F(TelemetryFrame, best_lap_time);
  F(TelemetryFrame, last_lap_time);
  F(TelemetryFrame, delta_ahead);
  F(TelemetryFrame, delta_behind);
  F(TelemetryFrame, num_gears);
  F(TelemetryFrame, car_id);
  F(TelemetryFrame, track_id);
  F(TelemetryFrame, session_id);
  END();
}

static void
small_values(void)
{
  BEGIN("ledFrame");
  F(LedFrame, led_count);
  F(LedFrame, brightness);
  F(LedFrame, duration_ms);
  F(LedFrame, rgb);
  END();

  BEGIN("safeScalar");
  F(SafeScalar, timestamp_ns);
  F(SafeScalar, ffb_scalar);
  END();

  BEGIN("frameSlot");
  F(FrameSlot, ffb_in);
  F(FrameSlot, torque_out);
  F(FrameSlot, wheel_speed);
  F(FrameSlot, timestamp_ns);
  F(FrameSlot, budget_us);
  F(FrameSlot, sequence);
  F(FrameSlot, wheel_angle);
  F(FrameSlot, dt);
  F(FrameSlot, cpu_ns);
  F(FrameSlot, wall_ns);
  F(FrameSlot, result);
  F(FrameSlot, status);
  F(FrameSlot, reserved);
  END();

  BEGIN("controlEntry");
  F(ControlEntry, slot);
  F(ControlEntry, life);
  F(ControlEntry, instance);
  F(ControlEntry, budget_us);
  F(ControlEntry, pid);
  F(ControlEntry, every);
  END();

  BEGIN("rigControl");
  F(RigControl, lease_ns);
  F(RigControl, stop);
  F(RigControl, device);
  F(RigControl, gain);
  F(RigControl, max_torque_nm);
  F(RigControl, max_slew_nm_per_s);
  F(RigControl, assent);
  F(RigControl, waiting);
  F(RigControl, chain_count);
  F(RigControl, chain);
  END();

  BEGIN("rigEstop");
  F(RigEstop, engaged);
  END();

  BEGIN("pluginEnd");
  F(PluginEnd, kind);
  F(PluginEnd, number);
  F(PluginEnd, address);
  F(PluginEnd, value);
  F(PluginEnd, phase);
  F(PluginEnd, sequence);
  F(PluginEnd, symbol);
  END();

  BEGIN("pluginReport");
  F(PluginReport, magic);
  F(PluginReport, version);
  F(PluginReport, pid);
  F(PluginReport, state);
  F(PluginReport, message);
  F(PluginReport, end);
  F(PluginReport, phase);
  F(PluginReport, sequence);
  F(PluginReport, sandbox);
  F(PluginReport, memory_bytes);
  F(PluginReport, memory_max);
  F(PluginReport, memory_refused);
  F(PluginReport, allocations);
  END();
}

static void
rig_status(void)
{
  BEGIN("rigPlugin");
  F(RigPlugin, life);
  F(RigPlugin, instance);
  F(RigPlugin, state);
  F(RigPlugin, last_result);
  F(RigPlugin, sent);
  F(RigPlugin, executions);
  F(RigPlugin, failures);
  F(RigPlugin, budget_violations);
  F(RigPlugin, missed_deadlines);
  F(RigPlugin, left_out);
  F(RigPlugin, in_the_way);
  F(RigPlugin, non_finite);
  F(RigPlugin, under_way_ns);
  F(RigPlugin, cpu);
  F(RigPlugin, round_trip);
  END();

  BEGIN("rigStatus");
  F(RigStatus, magic);
  F(RigStatus, version);
  F(RigStatus, pid);
  F(RigStatus, generation);
  F(RigStatus, state);
  F(RigStatus, realtime);
  F(RigStatus, memory_locked);
  F(RigStatus, chain_count);
  F(RigStatus, estopped);
  F(RigStatus, waiting);
  F(RigStatus, plans);
  F(RigStatus, beat_ns);
  F(RigStatus, ticks);
  F(RigStatus, missed_ticks);
  F(RigStatus, stale_inputs);
  F(RigStatus, refused_inputs);
  F(RigStatus, non_finite);
  F(RigStatus, clamped);
  F(RigStatus, slew_limited);
  AS(RigStatus, in_square_sum, "f64");
  AS(RigStatus, out_square_sum, "f64");
  AS(RigStatus, in_nm, "f32");
  AS(RigStatus, out_nm, "f32");
  AS(RigStatus, max_abs_nm, "f32");
  AS(RigStatus, ffb_scalar, "f32");
  AS(RigStatus, wheel_angle, "f32");
  AS(RigStatus, wheel_speed, "f32");
  F(RigStatus, lateness);
  F(RigStatus, duration);
  F(RigStatus, plugins);
  END();

  BEGIN("histogram");
  F(Histogram, max_ns);
  F(Histogram, counts);
  END();
}

int
main(void)
{
  printf("// Printed by native/layout.c from native/rig.h and native/telemetry.h. Do not edit: make generate.\n");
  CONSTANT("telemetryFrameBytes", sizeof(TelemetryFrame));
  CONSTANT("ledFrameBytes", sizeof(LedFrame));
  CONSTANT("ledCountMax", LED_COUNT_MAX);
  CONSTANT("safeScalarBytes", sizeof(SafeScalar));
  CONSTANT("frameSlotBytes", sizeof(FrameSlot));
  CONSTANT("ringSlots", RIG_RING_SLOTS);
  CONSTANT("controlEntryBytes", sizeof(ControlEntry));
  CONSTANT("rigControlBytes", sizeof(RigControl));
  CONSTANT("rigEstopBytes", sizeof(RigEstop));
  CONSTANT("pluginReportBytes", sizeof(PluginReport));
  CONSTANT("rigPluginBytes", sizeof(RigPlugin));
  CONSTANT("rigStatusBytes", sizeof(RigStatus));
  CONSTANT("pluginSegmentBytes", PLUGIN_SEGMENT_BYTES);
  CONSTANT("chainMax", RIG_CHAIN_MAX);
  CONSTANT("rigMagic", RIG_MAGIC);
  CONSTANT("rigVersion", RIG_VERSION);
  CONSTANT("sandboxLandlock", SANDBOX_LANDLOCK);
  CONSTANT("sandboxSeccomp", SANDBOX_SECCOMP);
  CONSTANT("pluginSegmentMagic", PLUGIN_SEGMENT_MAGIC);
  CONSTANT("histogramSubBits", HISTOGRAM_SUB_BITS);
  CONSTANT("histogramMaxBits", HISTOGRAM_MAX_BITS);
  CONSTANT("histogramBuckets", HISTOGRAM_BUCKETS);
  CONSTANT("inputAheadMaxNs", RIG_INPUT_AHEAD_MAX_NS);
  CONSTANT("torqueMaxNm", RIG_TORQUE_MAX_NM);
  CONSTANT("torqueAssentNm", RIG_TORQUE_ASSENT_NM);
  telemetry_frame();
  small_values();
  rig_status();
  printf("\nexport const rigPluginStates = ['detached', 'attached', 'unreadable', 'corrupt'] as const\n");
  printf("export const rigStates = ['starting', 'running', 'ended'] as const\n");
  printf("export const rigWaitings = ['predictive', 'futex'] as const\n");
  printf("export const endKinds = ['none', 'signal', 'syscall', 'timeout', 'ring'] as const\n");
  printf("export const pluginPhases = ['loading', 'creating', 'idle', 'processing', 'destroying'] as const\n");
  printf("export const reportStates = ['starting', 'ready', 'failed'] as const\n");
  return 0;
}
