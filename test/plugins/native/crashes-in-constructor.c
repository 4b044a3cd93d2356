/// Writes where it may not before anybody called it.
#include "plugin_of.h"

__attribute__((constructor)) static void
construct(void)
{
  *(volatile int*)8 = 1;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  return 0;
}

PLUGIN_OF(process)
