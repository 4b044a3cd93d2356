/// Takes a lock that it holds, at its hundredth frame.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames == 100) {
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
  }
  return 0;
}

PLUGIN_OF(process)
