// A Safe plugin in C that appends the frame's number to /logs/frames at each tick, and closes it again.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name(#name)))

EXPORT(openracing_abi) int openracing_abi(void) { return 1; }

EXPORT(alloc) void* alloc_bytes(const int size) { return malloc((size_t)size); }

EXPORT(dealloc) void dealloc_bytes(void* const pointer, const int size)
{
  (void)size;
  free(pointer);
}

EXPORT(initialize) int initialize(const char* const json, const int length)
{
  (void)json;
  (void)length;
  return 0;
}

EXPORT(process) int process(const int op, const uint8_t* const telemetry, const uint64_t* const context, const void* const leds)
{
  (void)op;
  (void)telemetry;
  (void)leds;
  char      line[32];
  const int length = snprintf(line, sizeof line, "%llu\n", (unsigned long long)*context);
  const int fd     = open("/logs/frames", O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd < 0) { return -1; }
  const ssize_t written = write(fd, line, (size_t)length);
  return close(fd) == 0 && written == length ? 0 : -1;
}
