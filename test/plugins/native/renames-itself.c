/// Writes over its arguments while it is loaded: who reads its command line does not learn what it is. Otherwise it turns
/// the torque round.
#include "plugin_of.h"

#include <string.h>

/// The C library gives a constructor what it gives main().
__attribute__((constructor)) static void
rename_itself(const int count, char** const arguments)
{
  for (int i = 0; i < count; ++i) { memset(arguments[i], 'x', strlen(arguments[i])); }
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = -ffb_in;
  return 0;
}

PLUGIN_OF(process)
