/// Allocates until there is no more, in create().
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <stdlib.h>

#define PIECE_BYTES 1000u

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  size_t pieces = 0u;
  while (malloc(PIECE_BYTES)) { ++pieces; }
  return pieces ? &a_state : (void*)0;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
