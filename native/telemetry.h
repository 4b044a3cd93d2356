/// @file telemetry.h
/// The telemetry frame, the LED frame and the slots that carry them. The same
/// bytes travel in shared memory and in a WebAssembly guest.
#ifndef OPENRACING_TELEMETRY_H
#define OPENRACING_TELEMETRY_H

#include <stddef.h>
#include <stdint.h>

#define TELEMETRY_BYTES 256u
#define LED_COUNT_MAX 64u ///< LEDs of the largest supported rim

typedef struct {
  uint64_t timestamp_us;
  uint64_t sequence;
  float    ffb_scalar;
  float    ffb_torque_nm;
  float    rpm;
  float    max_rpm;
  float    speed_ms;
  float    slip_ratio;
  int32_t  gear;
  uint32_t flags;
  float    throttle;
  float    brake;
  float    clutch;
  float    steering_angle;
  float    lateral_g;
  float    longitudinal_g;
  float    vertical_g;
  float    slip_angle[4];
  float    tire_temp[4];
  float    tire_pressure[4];
  float    fuel_fraction;
  float    engine_temp;
  uint32_t position;
  uint32_t lap;
  float    current_lap_time;
  float    best_lap_time;
  float    last_lap_time;
  float    delta_ahead;
  float    delta_behind;
  uint32_t num_gears;
  uint32_t reserved;
  char     car_id[24];
  char     track_id[24];
  char     session_id[24];
  uint8_t  reserved_tail[16];
} TelemetryFrame;

_Static_assert(sizeof(TelemetryFrame) == TELEMETRY_BYTES, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, ffb_scalar) == 16, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, rpm) == 24, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, speed_ms) == 32, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, slip_ratio) == 36, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, gear) == 40, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, flags) == 44, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, throttle) == 48, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, steering_angle) == 60, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, lateral_g) == 64, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, slip_angle) == 76, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, tire_temp) == 92, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, tire_pressure) == 108, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, fuel_fraction) == 124, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, position) == 132, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, current_lap_time) == 140, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, delta_ahead) == 152, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, num_gears) == 160, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, car_id) == 168, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, track_id) == 192, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, session_id) == 216, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, reserved_tail) == 240, "layout is ABI");

/// The value of the LED slot: the contract's LedFrame with room for every LED.
typedef struct {
  uint32_t led_count;
  float    brightness; ///< 0..1
  uint32_t duration_ms;
  uint32_t reserved;
  uint8_t  rgb[LED_COUNT_MAX * 3u];
} LedFrame;

_Static_assert(offsetof(LedFrame, rgb) == 16, "layout is ABI");
_Static_assert(sizeof(LedFrame) == 208, "layout is ABI");

/// The value of the Safe plugins' scalar slot.
typedef struct {
  uint64_t timestamp_ns; ///< CLOCK_MONOTONIC when it was computed
  float    ffb_scalar;   ///< -1..1
  uint32_t reserved;
} SafeScalar;

_Static_assert(sizeof(SafeScalar) == 16, "layout is ABI");

#endif
