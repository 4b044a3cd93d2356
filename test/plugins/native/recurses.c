/// Calls itself without end, at its hundredth frame.
#include "plugin_of.h"

static int
deeper(const int depth)
{
  volatile char room[4096] = {0};
  return depth < 0 ? 0 : room[depth % 4096] + deeper(depth + 1) + room[1];
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    a_state = deeper(0);
  }
  return 0;
}

PLUGIN_OF(process)
