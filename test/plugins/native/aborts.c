/// Gives up, at its hundredth frame.
#include "plugin_of.h"

#include <stdlib.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    abort();
  }
  return 0;
}

PLUGIN_OF(process)
