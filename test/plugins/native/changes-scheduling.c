/// Makes itself more important, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <sched.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    const struct sched_param parameter = {.sched_priority = 99};
    a_state                            = sched_setscheduler(0, SCHED_FIFO, &parameter);
  }
  return 0;
}

PLUGIN_OF(process)
