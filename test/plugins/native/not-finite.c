/// Answers with what is not a number.
#include "plugin_of.h"

#include <math.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = NAN;
  return 0;
}

PLUGIN_OF(process)
