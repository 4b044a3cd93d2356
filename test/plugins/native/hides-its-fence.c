/// Says in create() that nothing confines it, where its process says what does.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include "segment_of.h"

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  PluginReport* const report = (PluginReport*)(void*)segment_of();
  if (report) { atomic_store(&report->sandbox, 0u); }
  return report ? &a_state : (void*)0;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
