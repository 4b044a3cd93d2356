// A Safe plugin in C that appends the frame's number to /logs/frames at each tick, opening it anew every time and
// closing it never (CLOSES: each time); its constructor says that it ran, and NOTE in its environment is told. A negative gear
// has it end itself.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name(#name)))

static int constructed;

__attribute__((constructor)) static void
construct(void)
{
  constructed = 1;
}

EXPORT(openracing_abi) int openracing_abi(void) { return 1; }

EXPORT(alloc) void* alloc_bytes(const int size) { return malloc((size_t)size); }

EXPORT(dealloc) void dealloc_bytes(void* const pointer, const int size)
{
  (void)size;
  free(pointer);
}

EXPORT(initialize) int initialize(const char* const json, const int length)
{
  printf("constructed %d, configured %.*s\n", constructed, length, json);
  if (getenv("NOTE")) { printf("told %s\n", getenv("NOTE")); }
  return 0;
}

EXPORT(process) int process(const int op, const uint8_t* const telemetry, const uint64_t* const context, const void* const leds)
{
  (void)op;
  (void)leds;
  if (*(const int32_t*)(const void*)(telemetry + 40) < 0) { exit(5); }
  char      line[32];
  const int length = snprintf(line, sizeof line, "%llu\n", (unsigned long long)*context);
  const int fd     = open("/logs/frames", O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd < 0 || write(fd, line, (size_t)length) != length) { return -1; }
#ifdef CLOSES
  return close(fd);
#else
  return 0;
#endif
}

EXPORT(shutdown) int shutdown_plugin(void)
{
  printf("shutting down");
  fflush(stdout);
  return 0;
}
