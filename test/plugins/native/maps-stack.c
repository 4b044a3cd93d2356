/// Maps memory that grows as a stack does, in create(): the limit of what is written does not count it.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <sys/mman.h>

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  void* const place = mmap((void*)0, 1u << 20u, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
  a_state           = place != MAP_FAILED;
  return &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
