/// One line makes a plugin of a process() function: for tiny plugins that have one vice each.
#ifndef PLUGIN_OF_H
#define PLUGIN_OF_H

#include "../../../sdk/c/plugin.h"

static int a_state;

#ifndef PLUGIN_OF_CREATES ///< It has a plugin_create() of its own
static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  return &a_state;
}
#endif

#ifndef PLUGIN_OF_DESTROYS ///< It has a plugin_destroy() of its own
static void
plugin_destroy(void* const state)
{
  (void)state;
}
#endif

#ifndef PLUGIN_OF_ABI
#define PLUGIN_OF_ABI PLUGIN_ABI_VERSION
#endif

static PluginInfo
plugin_get_info(void)
{
  const PluginInfo info = {"vice", "1.0.0", "tests", "has one vice", PLUGIN_OF_ABI};
  return info;
}

#define PLUGIN_OF(process_function)                                                                     \
  PluginVTable get_plugin_vtable(void)                                                                  \
  {                                                                                                     \
    const PluginVTable vtable = {plugin_create, process_function, plugin_destroy, plugin_get_info};     \
    return vtable;                                                                                      \
  }

#define PROCESS(name)                                                                                          \
  static int name(void* const state, const float ffb_in, const float wheel_speed, const float wheel_angle, const float dt, \
                  float* const ffb_out)

#define UNUSED_ARGUMENTS() ((void)state, (void)ffb_in, (void)wheel_speed, (void)wheel_angle, (void)dt, (void)ffb_out)

#endif
