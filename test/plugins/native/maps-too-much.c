/// Takes memory past malloc() in every way that is private, in create(), until there is none, and uses all of it.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "plugin_of.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE_BYTES (256u * 1024u)
#define PIECES_MAX 4096u ///< 1 GiB: far more than anybody may have
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static int
use(void* const place)
{
  if (place == MAP_FAILED) { return 0; }
  memset(place, 0xff, PIECE_BYTES);
  return 1;
}

static int
map(void)
{
  return use(mmap((void*)0, PIECE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0));
}

static int
map_without_reserve(void)
{
  return use(mmap((void*)0, PIECE_BYTES, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/// What is only read is in no limit of what is written, until it is written.
static int
map_and_protect(void)
{
  void* const place = mmap((void*)0, PIECE_BYTES, PROT_READ, ANONYMOUS, -1, 0);
  return place != MAP_FAILED && mprotect(place, PIECE_BYTES, PROT_READ | PROT_WRITE) == 0 && use(place);
}

static int
remap(void)
{
  static uint8_t* place;
  static size_t   bytes = 4096u;
  if (!place) { place = mmap((void*)0, bytes, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0); }
  if (place == MAP_FAILED) { return 0; }
  uint8_t* const moved = mremap(place, bytes, bytes + PIECE_BYTES, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) { return 0; }
  place = moved;
  bytes += PIECE_BYTES;
  return use(place + bytes - PIECE_BYTES);
}

static int
extend(void)
{
  void* const place = sbrk((intptr_t)PIECE_BYTES);
  return use(place == (void*)-1 ? MAP_FAILED : place);
}

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  static int (*const ways[])(void) = {map_and_protect, remap, extend, map_without_reserve, map};
  for (size_t i = 0u; i < sizeof ways / sizeof *ways; ++i) {
    // A few pieces of each, and of the last as many as there are.
    const size_t most = i + 1u < sizeof ways / sizeof *ways ? 8u : PIECES_MAX;
    for (size_t pieces = 0u; pieces < most && ways[i](); ++pieces) {}
  }
  for (size_t i = 0u; i < sizeof ways / sizeof *ways; ++i) {
    for (size_t pieces = 0u; pieces < PIECES_MAX && ways[i](); ++pieces) {}
  }
  return &a_state;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  *ffb_out = ffb_in;
  return 0;
}

PLUGIN_OF(process)
