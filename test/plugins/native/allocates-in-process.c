/// Allocates at every frame, and gives it back.
#include "plugin_of.h"

#include <stdlib.h>

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  float* volatile const place = malloc(sizeof *place);
  if (!place) { return -1; }
  *place   = ffb_in;
  *ffb_out = *place;
  free(place);
  return 0;
}

PLUGIN_OF(process)
