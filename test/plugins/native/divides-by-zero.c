/// Divides by zero, at its hundredth frame.
#include "plugin_of.h"


PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    volatile int zero = 0;
    a_state           = frames / zero;
  }
  return 0;
}

PLUGIN_OF(process)
