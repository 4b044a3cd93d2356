/// Leaves, at its hundredth frame.
#include "plugin_of.h"

#include <stdlib.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    exit(7);
  }
  return 0;
}

PLUGIN_OF(process)
