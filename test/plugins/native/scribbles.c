/// Writes over all the memory that it shares with the loop, at its hundredth frame.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include "segment_of.h"

#include <string.h>

static uint8_t* segment;

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  segment = segment_of();
  return segment ? &a_state : (void*)0;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { memset(segment, 0xa5, PLUGIN_SEGMENT_BYTES); }
  return 0;
}

PLUGIN_OF(process)
