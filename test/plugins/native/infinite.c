/// Answers with what has no end.
#include "plugin_of.h"

#include <math.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = -INFINITY;
  return 0;
}

PLUGIN_OF(process)
