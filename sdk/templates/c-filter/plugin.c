/// Smooths the force: y += (1 - smoothing) · (x - y).

#include "plugin.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  float smoothing; ///< 0: none
  float output_nm;
} Filter;

/// The host has checked the configuration against config_schema in plugin.yaml, and filled in what is left out.
static float
read_smoothing(const uint8_t* const config, const size_t length)
{
  char text[1024];
  if (!config || length >= sizeof text) { return 0.5f; }
  memcpy(text, config, length);
  text[length]            = '\0';
  const char* const key   = strstr(text, "\"smoothing\"");
  const char* const colon = key ? strchr(key, ':') : NULL;
  return colon ? strtof(colon + 1, NULL) : 0.5f;
}

static void*
create(const uint8_t* const config, const size_t length)
{
  Filter* const filter = calloc(1, sizeof *filter);
  if (filter) { filter->smoothing = read_smoothing(config, length); }
  return filter;
}

/// Real-time: no allocation, no lock, no system call.
static int
process(void* const state, const float ffb_in, const float wheel_speed, const float wheel_angle, const float dt,
        float* const ffb_out)
{
  (void)wheel_speed;
  (void)wheel_angle;
  (void)dt;
  Filter* const filter = state;
  filter->output_nm += (1.0f - filter->smoothing) * (ffb_in - filter->output_nm);
  *ffb_out = filter->output_nm;
  return 0;
}

static PluginInfo
get_info(void)
{
  const PluginInfo info = {
    .name        = "{{name}}",
    .version     = "0.1.0",
    .author      = "Your name",
    .description = "Smooths the force.",
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
