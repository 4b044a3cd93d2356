/// Writes a file, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <fcntl.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    a_state = open("/tmp/openracing-was-here", O_WRONLY | O_CREAT, 0600);
  }
  return 0;
}

PLUGIN_OF(process)
