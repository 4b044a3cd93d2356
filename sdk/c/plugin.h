/// @file plugin.h
/// The binary interface of a Fast plugin, `openracing-fast-1`.
///
/// A plugin is a shared library that exports one function, get_plugin_vtable().
/// It runs in a process of its own; process() is called a thousand times a second.
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stddef.h>
#include <stdint.h>

/// Must be what the host was built with, exactly.
#define PLUGIN_ABI_VERSION 1

/// A frame as it travels between the loop and the plugin's process; process() gets its parts as arguments.
/// 32 bytes, naturally aligned.
typedef struct {
  float    ffb_in;       ///< N·m
  float    torque_out;   ///< N·m
  float    wheel_speed;  ///< rad/s
  uint64_t timestamp_ns; ///< CLOCK_MONOTONIC
  uint32_t budget_us;    ///< CPU time of the call
  uint32_t sequence;
} PluginFrame;

typedef struct {
  const char* name;
  const char* version;
  const char* author;
  const char* description;
  uint32_t    abi_version; ///< PLUGIN_ABI_VERSION
} PluginInfo;

typedef struct {
  /// Returns the plugin's state, NULL on failure. `config` is the configuration as JSON text, not
  /// NUL-terminated, or NULL with a length of 0.
  void* (*create)(const uint8_t* config, size_t len);

  /// Real-time: no allocation, no lock, no system call. `ffb_in` and `*ffb_out` in N·m, `wheel_speed` in
  /// rad/s, `wheel_angle` in rad (right positive), `dt` in s since the previous call, 0.1 at the most. Returns 0; any other
  /// value is a failure, and the frame passes through unchanged.
  int (*process)(void* state, float ffb_in, float wheel_speed, float wheel_angle, float dt, float* ffb_out);

  /// Frees the state.
  void (*destroy)(void* state);

  PluginInfo (*get_info)(void);
} PluginVTable;

/// The one export.
PluginVTable get_plugin_vtable(void);

#endif
