/// A Fast plugin that does nothing: what is measured with it is the way there and back.

#include "../../sdk/c/plugin.h"

static int state;

static void*
create(const uint8_t* const config, const size_t len)
{
  (void)config;
  (void)len;
  return &state;
}

static int
process(void* const self, const float ffb_in, const float wheel_speed, const float wheel_angle, const float dt,
        float* const ffb_out)
{
  (void)self;
  (void)wheel_speed;
  (void)wheel_angle;
  (void)dt;
  *ffb_out = ffb_in;
  return 0;
}

static void
destroy(void* const self)
{
  (void)self;
}

static PluginInfo
get_info(void)
{
  const PluginInfo info = {
    .name        = "pass-through",
    .version     = "1.0.0",
    .author      = "OpenRacing",
    .description = "Gives every torque back unchanged",
    .abi_version = PLUGIN_ABI_VERSION,
  };
  return info;
}

PluginVTable
get_plugin_vtable(void)
{
  const PluginVTable vtable = {.create = create, .process = process, .destroy = destroy, .get_info = get_info};
  return vtable;
}
