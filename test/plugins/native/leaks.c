/// Allocates 64 KiB at every frame and forgets it; fails once there is no more.
#include "plugin_of.h"

#include <stdlib.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static void* volatile forgotten;
  *ffb_out  = ffb_in;
  forgotten = malloc(65536);
  return forgotten ? 0 : -1;
}

PLUGIN_OF(process)
