/// Adds 1 N·m. No vice: beside `inverts` the torque tells the order of the two.
#include "plugin_of.h"

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in + 1.0f;
  return 0;
}

PLUGIN_OF(process)
