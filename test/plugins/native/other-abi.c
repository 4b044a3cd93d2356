/// Was built for an ABI that is not this one.
#define PLUGIN_OF_ABI 2
#include "plugin_of.h"

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  return 0;
}

PLUGIN_OF(process)
