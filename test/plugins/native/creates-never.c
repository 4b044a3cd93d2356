/// Its create() never returns.
#include "../../../sdk/c/plugin.h"

#include <unistd.h>

static void*
create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  while (pause()) {} // a signal that it survives ends the pause, and not the wait
  return 0;
}

static void
destroy(void* const state)
{
  (void)state;
}

static int
process(void* state, float ffb_in, float wheel_speed, float wheel_angle, float dt, float* ffb_out)
{
  (void)state, (void)wheel_speed, (void)wheel_angle, (void)dt;
  *ffb_out = ffb_in;
  return 0;
}

static PluginInfo
get_info(void)
{
  const PluginInfo info = {"creates never", "1.0.0", "tests", "create() does not return", PLUGIN_ABI_VERSION};
  return info;
}

PluginVTable
get_plugin_vtable(void)
{
  const PluginVTable vtable = {create, process, destroy, get_info};
  return vtable;
}
