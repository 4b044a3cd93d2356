/// Takes, blocks and ignores signals and moves their stack in create(), then crashes at its hundredth frame.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <signal.h>

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  const stack_t none = {.ss_flags = SS_DISABLE};
  sigset_t      all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, (void*)0);
  sigaltstack(&none, (void*)0);
  for (int number = 1; number < NSIG; ++number) { signal(number, SIG_IGN); }
  return &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) { *(volatile int*)8 = 1; }
  return 0;
}

PLUGIN_OF(process)
