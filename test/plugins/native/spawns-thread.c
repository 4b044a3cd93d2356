/// Starts a thread that spins, in create().
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <pthread.h>

static void*
spin(void* const argument)
{
  for (volatile int on = 1; on;) {}
  return argument;
}

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  pthread_t thread;
  return pthread_create(&thread, (void*)0, spin, (void*)0) ? (void*)0 : &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
