/// Writes where it may not in create().
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  *(volatile int*)8 = 1;
  return &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  return 0;
}

PLUGIN_OF(process)
