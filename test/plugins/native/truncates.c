/// Takes the ground from under the loop: makes the memory that they share shorter, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
truncate_own_segment(void)
{
  char        arguments[4096] = {0};
  FILE* const file            = fopen("/proc/self/cmdline", "re");
  if (!file) { return; }
  const size_t length = fread(arguments, 1, sizeof arguments - 1, file);
  fclose(file);
  const char* const segment = arguments + strlen(arguments) + 1;
  if (segment < arguments + length && truncate(segment, 0)) { perror(segment); }
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { truncate_own_segment(); }
  return 0;
}

PLUGIN_OF(process)
