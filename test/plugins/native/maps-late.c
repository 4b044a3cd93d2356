/// Maps memory, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <sys/mman.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { a_state = mmap((void*)0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }
  return 0;
}

PLUGIN_OF(process)
