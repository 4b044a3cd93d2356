/// Takes a signal, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <signal.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    signal(SIGSEGV, SIG_IGN);
  }
  return 0;
}

PLUGIN_OF(process)
