/// Starts a process, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <unistd.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    a_state = (int)fork();
  }
  return 0;
}

PLUGIN_OF(process)
