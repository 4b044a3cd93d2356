/// Allocates in every way that C has, in create(), which fails where one is not as it should be. No vice; it leaves nothing.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static int
cleared(void)
{
  unsigned char* const old = malloc(1000);
  if (!old) { return 0; }
  memset(old, 0xff, 1000);
  free(old);
  unsigned char* const place = calloc(10, 100);
  int                  sum   = 0;
  for (int i = 0; place && i < 1000; ++i) { sum += place[i]; }
  volatile size_t huge = (size_t)-1;
  const int       ok   = place && sum == 0 && !calloc(huge, 2);
  free(place);
  return ok;
}

static int
moved(void)
{
  char* const here = strdup("torque");
  char* const grown = here ? realloc(here, 100000) : 0;
  char* const shrunk = grown ? realloc(grown, 7) : 0;
  const int   ok = shrunk && strcmp(shrunk, "torque") == 0 && malloc_usable_size(shrunk) >= 7;
  char* const none = realloc(0, 10);
  free(shrunk);
  free(none);
  return ok && none;
}

static int
aligned(void)
{
  void*       place = 0;
  void*       unused = 0;
  void* const page  = aligned_alloc(4096, 4096);
  void* const line  = memalign(64, 10);
  const int   ok    = posix_memalign(&place, 256, 100) == 0 && posix_memalign(&unused, 3, 1) == EINVAL &&
                 (size_t)page % 4096 == 0 && (size_t)line % 64 == 0 && (size_t)place % 256 == 0 && page && line && place;
  free(page);
  free(line);
  free(place);
  return ok;
}

static int
foreign(void)
{
  char        here[64];
  void* volatile stranger = here + 16;
  free(0);
  free(stranger);
  return malloc_usable_size(0) == 0;
}

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  return cleared() && moved() && aligned() && foreign() ? &a_state : (void*)0;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
