/// Looks for the users of the machine: in create(), which fails where it finds them, and at its hundredth frame.
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <stdio.h>

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  FILE* const users = fopen("/etc/passwd", "r");
  if (!users) { return &a_state; }
  fclose(users);
  return (void*)0;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { a_state = fopen("/etc/passwd", "r") != (void*)0; }
  return 0;
}

PLUGIN_OF(process)
