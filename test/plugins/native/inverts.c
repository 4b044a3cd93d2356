/// Turns the torque round: what came through it can be told from what did not.
#include "plugin_of.h"

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = -ffb_in;
  return 0;
}

PLUGIN_OF(process)
