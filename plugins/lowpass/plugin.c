/// A first-order low-pass filter for force feedback: y += a·(x - y), a = dt / (RC + dt), RC = 1 / (2π·cutoff).
/// (Any text on digital filters; e.g. Smith, "Introduction to Digital Filters", one-pole.)

#include "../../sdk/c/plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI_F 3.14159265f
#define CUTOFF_DEFAULT_HZ 50.0f
#define CONFIG_BYTES_MAX 1024u

typedef struct {
  float rc_s; ///< Time constant
  float output_nm;
} LowPass;

/// The number after `"cutoff_hz":`. The host has checked the configuration against the manifest's schema,
/// so what is there is a number within its bounds.
static float
read_cutoff_hz(const uint8_t* const config, const size_t length)
{
  char text[CONFIG_BYTES_MAX];
  if (!config || length >= sizeof text) { return CUTOFF_DEFAULT_HZ; }
  memcpy(text, config, length);
  text[length] = '\0';

  const char* const key   = strstr(text, "\"cutoff_hz\"");
  const char* const colon = key ? strchr(key, ':') : NULL;
  const float       value = colon ? strtof(colon + 1, NULL) : 0.0f;
  return value > 0.0f ? value : CUTOFF_DEFAULT_HZ;
}

static void*
create(const uint8_t* const config, const size_t length)
{
  LowPass* const filter = calloc(1, sizeof *filter);
  if (filter) { filter->rc_s = 1.0f / (2.0f * PI_F * read_cutoff_hz(config, length)); }
  return filter;
}

static int
process(void* const state, const float ffb_in, const float wheel_speed, const float wheel_angle, const float dt,
        float* const ffb_out)
{
  (void)wheel_speed;
  (void)wheel_angle;
  LowPass* const filter = state;
  if (!filter || !ffb_out) { return -1; }

  const float alpha = dt / (filter->rc_s + dt);
  filter->output_nm += alpha * (ffb_in - filter->output_nm);
  *ffb_out = filter->output_nm;
  return 0;
}

static PluginInfo
get_info(void)
{
  const PluginInfo info = {
    .name        = "lowpass",
    .version     = "1.0.0",
    .author      = "OpenRacing",
    .description = "First-order low-pass filter for force feedback",
    .abi_version = PLUGIN_ABI_VERSION,
  };
  return info;
}

PluginVTable
get_plugin_vtable(void)
{
  const PluginVTable vtable = {.create = create, .process = process, .destroy = free, .get_info = get_info};
  return vtable;
}
