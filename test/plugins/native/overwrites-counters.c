/// Says that it answered more frames than there are places, at its hundredth frame.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include "segment_of.h"

static RingShared* answers;

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  uint8_t* const segment = segment_of();
  answers                = (RingShared*)(void*)(segment + PLUGIN_RING_OUT);
  return segment ? &a_state : (void*)0;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { atomic_fetch_add(&answers->written, 1u << 20); }
  return 0;
}

PLUGIN_OF(process)
