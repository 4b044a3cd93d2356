/// Writes where it may not, at its hundredth frame.
#include "plugin_of.h"

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { *(volatile int*)8 = 1; }
  return 0;
}

PLUGIN_OF(process)
