/// Says that the loop sent it more frames than there are places, at its hundredth frame; its destroy() crashes.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#define PLUGIN_OF_DESTROYS
#include "plugin_of.h"

#include "segment_of.h"

static RingShared* frames_in;

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  uint8_t* const segment = segment_of();
  frames_in              = (RingShared*)(void*)(segment + PLUGIN_RING_IN);
  return segment ? &a_state : (void*)0;
}

static void
plugin_destroy(void* const state)
{
  (void)state;
  __builtin_trap();
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { atomic_fetch_add(&frames_in->written, 1u << 20); }
  return 0;
}

PLUGIN_OF(process)
