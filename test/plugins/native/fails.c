/// Refuses every frame.
#include "plugin_of.h"

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = 1000.0f;
  return -2;
}

PLUGIN_OF(process)
