/// Reaches for the network, at its hundredth frame.
#include "plugin_of.h"

#include <sys/socket.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    a_state = socket(AF_INET, SOCK_STREAM, 0);
  }
  return 0;
}

PLUGIN_OF(process)
