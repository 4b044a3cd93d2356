/// Maps memory of its own over what it shares with the loop, in create(): whatever its process answers, nobody hears it.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include "segment_of.h"

#include <string.h>
#include <sys/mman.h>

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  static uint8_t copy[PLUGIN_SEGMENT_BYTES];
  uint8_t* const segment = segment_of();
  if (!segment) { return (void*)0; }
  memcpy(copy, segment, sizeof copy);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap(segment, sizeof copy, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) { return (void*)0; }
  memcpy(segment, copy, sizeof copy);
  return &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
