// writes-log with the file closed at each tick, so that it can go on for ever.
#define CLOSES
#include "writes-log.c"
