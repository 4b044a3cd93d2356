/// Keeps its hundredth frame for ever.
#include "plugin_of.h"

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    for (volatile int spin = 1; spin;) {}
  }
  return 0;
}

PLUGIN_OF(process)
