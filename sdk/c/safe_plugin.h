/// @file safe_plugin.h
/// The binary interface of a Safe plugin in C, `openracing-sdk-1`: `clang --target=wasm32`, no library.
///
/// Include it in one file. That file exports initialize() and process(); openracing_abi(), alloc() and dealloc() are here.
#ifndef SAFE_PLUGIN_H
#define SAFE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))

/// What process() is asked for.
enum { OPERATION_TELEMETRY = 0, OPERATION_LEDS = 1 };

/// What it answers, and what a function of the host answers.
enum {
  RESULT_OK                = 0,
  RESULT_UNCHANGED         = 0,
  RESULT_CHANGED           = 1,
  RESULT_ERROR             = -1,
  RESULT_INVALID_ARGUMENT  = -2, ///< Also to an operation that a plugin does not support
  RESULT_PERMISSION_DENIED = -3,
  RESULT_BUFFER_TOO_SMALL  = -4,
};

/// One frame of telemetry, 256 bytes. Wheels are in the order FL, FR, RL, RR. A field that the game does not send is 0.
typedef struct {
  uint64_t timestamp_us;
  uint64_t sequence;
  float    ffb_scalar; ///< -1..1; what a plugin with ModifyTelemetry changes
  float    ffb_torque_nm;
  float    rpm;
  float    max_rpm;
  float    speed_ms;
  float    slip_ratio; ///< 0..1
  int32_t  gear;       ///< -1 reverse, 0 neutral
  uint32_t flags;      ///< From bit 0: yellow, red, blue, checkered, green, white, pit_limiter, in_pits …
  float    throttle;   ///< 0..1
  float    brake;
  float    clutch;
  float    steering_angle; ///< rad, right positive
  float    lateral_g;
  float    longitudinal_g;
  float    vertical_g;
  float    slip_angle[4];    ///< rad
  float    tire_temp[4];     ///< °C
  float    tire_pressure[4]; ///< psi
  float    fuel_fraction;    ///< 0..1
  float    engine_temp;      ///< °C
  uint32_t position;         ///< 1 = first
  uint32_t lap;              ///< 0 = first
  float    current_lap_time; ///< s
  float    best_lap_time;
  float    last_lap_time;
  float    delta_ahead;
  float    delta_behind;
  uint32_t num_gears;
  uint32_t reserved;
  char     car_id[24]; ///< UTF-8, padded with NUL
  char     track_id[24];
  char     session_id[24];
  uint8_t  reserved_tail[16];
} TelemetryFrame;

/// What the host says about this call.
typedef struct {
  uint64_t frame_number; ///< Calls of this instance, from 1
  uint32_t budget_us;    ///< CPU time that a call may take
  uint32_t update_rate_hz;
} Context;

typedef struct {
  uint32_t led_count;   ///< LEDs of the rim, 64 at the most. May be lowered, never raised
  float    brightness;  ///< 0..1
  uint32_t duration_ms; ///< How long it is shown when nothing newer comes
  uint32_t reserved;
  uint8_t  rgb[64][3];
} LedFrame;

_Static_assert(sizeof(TelemetryFrame) == 256 && offsetof(TelemetryFrame, flags) == 44, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, slip_angle) == 76 && offsetof(TelemetryFrame, fuel_fraction) == 124, "layout is ABI");
_Static_assert(offsetof(TelemetryFrame, num_gears) == 160 && offsetof(TelemetryFrame, car_id) == 168, "layout is ABI");
_Static_assert(sizeof(Context) == 16 && offsetof(LedFrame, rgb) == 16 && sizeof(LedFrame) == 208, "layout is ABI");

// The host's functions. What a plugin does not call is not in its binary.

IMPORT(log_debug) void log_debug(const char* text, int32_t length);
IMPORT(log_info) void log_info(const char* text, int32_t length);
IMPORT(log_warn) void log_warn(const char* text, int32_t length);
IMPORT(log_error) void log_error(const char* text, int32_t length);
IMPORT(check_capability) int32_t check_capability(const char* name, int32_t length);
IMPORT(get_timestamp_us) int64_t get_timestamp_us(void);
IMPORT(set_custom_data) int32_t set_custom_data(const char* key, int32_t key_length, const char* json, int32_t json_length);
IMPORT(send_message) int32_t send_message(const char* to, int32_t to_length, const void* bytes, int32_t length);
IMPORT(receive_message) int32_t receive_message(void* bytes, int32_t length);

// The network: the hosts that the manifest lists (`permissions: {network: [api.example.org, 192.168.1.20:9000]}`), and no
// others; `host` has the ports 80 and 443. A plugin that ticks never waits: it asks in one tick and looks in later ones.

/// What http_status() answers beside the status of HTTP, 100 to 599.
enum {
  HTTP_UNDER_WAY = 0,
  HTTP_FAILED    = -1, ///< Not found, not reached, too late or too large; the plugin's log says which
  HTTP_UNKNOWN   = -2, ///< No such handle
  HTTP_REFUSED   = -3, ///< It led to a host, or an address of a local network, that the manifest does not list
};

/// Asks, with JSON: `{"method": "GET", "url": "https://…"}`, with `"headers": {}` and a `"body"` where there is a need.
/// Returns a handle, 1 or more; RESULT_ERROR when too much is asked for at once or nothing is carried now,
/// RESULT_INVALID_ARGUMENT for what is no request, RESULT_PERMISSION_DENIED for a host that is not listed. Four requests are
/// under way at most, eight are not closed, ten begin in a second; a body has 64 KiB, that of a response 1 MiB.
IMPORT(http_request) int32_t http_request(const char* json, int32_t length);
/// In a plugin that runs when somebody asks it waits for the answer, as long as the call may take.
IMPORT(http_status) int32_t http_status(int32_t handle);
/// The next bytes of the body: how many; 0 at its end, and the handle is gone; RESULT_ERROR while there is none.
IMPORT(http_read) int32_t http_read(int32_t handle, void* bytes, int32_t capacity);
/// The value of a header: its bytes, 0 when there is none, RESULT_BUFFER_TOO_SMALL when there is not enough room.
IMPORT(http_header) int32_t http_header(int32_t handle, const char* name, int32_t name_length, char* value, int32_t capacity);
/// Gives a handle back, and withdraws what is under way.
IMPORT(http_close) int32_t http_close(int32_t handle);
/// Sends 1 to 1200 bytes to `host:port`, which the manifest lists like that; 200 times a second. Whether they arrive nobody
/// knows.
IMPORT(udp_send) int32_t udp_send(const char* to, int32_t to_length, const void* bytes, int32_t length);

EXPORT(openracing_abi)
int32_t
openracing_abi(void)
{
  return 1;
}

/// Room for the configuration, 64 KiB at the most, and for what the host exchanges with every call.
EXPORT(alloc)
void*
alloc(const int32_t size)
{
  static _Alignas(16) uint8_t room[66 * 1024];
  static uint32_t             used;
  if (size < 0 || (uint32_t)size > sizeof room - used) { return NULL; }
  void* const place = room + used;
  used += ((uint32_t)size + 15u) & ~15u;
  return place;
}

/// The host frees its configuration alone, and that once.
EXPORT(dealloc)
void
dealloc(void* const place, const int32_t size)
{
  (void)place;
  (void)size;
}

#endif
