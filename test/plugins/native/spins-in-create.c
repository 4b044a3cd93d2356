/// Its create() works for ever.
#define PLUGIN_OF_CREATES
#include "plugin_of.h"


static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  for (volatile int spin = 1; spin;) {}
  return &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
