/// Memory in one piece: whatever is taken and given back, pieces do not overlap, and none of it is lost.
#include "../arena.h"
#include "check.h"

#include <string.h>

#define BYTES 65536u
#define PIECES 200u

typedef struct {
  Arena    arena;
  uint8_t* memory;
  uint8_t* place[PIECES];
  size_t   bytes[PIECES];
} Bench;

static Bench*
bench(void)
{
  Bench* const self = calloc(1, sizeof *self);
  NEED(self);
  self->memory = aligned_alloc(4096u, BYTES);
  NEED(self->memory);
  memset(self->memory, 0, BYTES);
  arena_open(&self->arena, self->memory, BYTES);
  return self;
}

static void
clear(Bench* const self)
{
  free(self->memory);
  free(self);
}

static void
fill(const Bench* const self, const size_t i)
{
  memset(self->place[i], (int)i, self->bytes[i]);
}

static bool
intact(const Bench* const self, const size_t i)
{
  for (size_t k = 0u; k < self->bytes[i]; ++k) {
    if (self->place[i][k] != (uint8_t)i) { return false; }
  }
  return true;
}

static void
give(Bench* const self, const size_t i)
{
  CHECK(intact(self, i));
  CHECK(arena_give(&self->arena, self->place[i]) == self->bytes[i]);
  self->place[i] = NULL;
}

static void
take(Bench* const self, const size_t i, uint64_t* const random)
{
  const size_t align = check_below(random, 8u) ? 16u : (size_t)32u << check_below(random, 7u);
  self->bytes[i]     = check_below(random, 4u) ? check_below(random, 200u) : check_below(random, 8000u);
  self->place[i]     = arena_take(&self->arena, align, self->bytes[i]);
  if (!self->place[i]) { return; }
  CHECK((uintptr_t)self->place[i] % align == 0u);
  CHECK(self->place[i] >= self->memory && self->place[i] + self->bytes[i] <= self->memory + BYTES);
  CHECK(arena_room(self->place[i]) >= self->bytes[i]);
  fill(self, i);
}

static void
resize(Bench* const self, const size_t i, uint64_t* const random)
{
  CHECK(intact(self, i));
  const size_t wanted = check_below(random, 400u);
  if (!arena_resize(&self->arena, self->place[i], wanted)) { return; }
  self->bytes[i] = wanted;
  fill(self, i);
}

static void
any_order(void)
{
  Bench* const b      = bench();
  uint64_t     random = 1u;
  void* const  whole  = arena_take(&b->arena, 16u, BYTES / 2u - 64u);
  CHECK(whole && arena_give(&b->arena, whole));
  for (int step = 0; step < 200000; ++step) {
    const size_t i = check_below(&random, PIECES);
    if (!b->place[i]) {
      take(b, i, &random);
    } else if (check_below(&random, 3u)) {
      give(b, i);
    } else {
      resize(b, i, &random);
    }
  }
  for (size_t i = 0u; i < PIECES; ++i) {
    if (b->place[i]) { give(b, i); }
  }
  CHECK(arena_take(&b->arena, 16u, BYTES / 2u - 64u) == whole); // all joined again
  clear(b);
}

static void
exhausted(void)
{
  Bench* const b     = bench();
  size_t       count = 0u;
  while (arena_take(&b->arena, 16u, 1000u)) { ++count; }
  CHECK(count == (BYTES - 16u) / 1024u);
  CHECK(arena_take(&b->arena, 16u, SIZE_MAX) == NULL && arena_take(&b->arena, 16u, BYTES) == NULL);
  CHECK(arena_take(&b->arena, (size_t)1u << 40u, 1u) == NULL && arena_take(&b->arena, 64u, SIZE_MAX - 64u) == NULL);
  clear(b);
}

static void
foreign(void)
{
  Bench* const   b     = bench();
  uint8_t* const piece = arena_take(&b->arena, 16u, 100u);
  uint8_t        elsewhere[64];
  CHECK(piece);
  CHECK(!arena_give(&b->arena, NULL) && !arena_give(&b->arena, elsewhere) && !arena_give(&b->arena, piece + 16));
  CHECK(!arena_give(&b->arena, piece + 1) && !arena_give(&b->arena, b->memory + BYTES));
  CHECK(arena_give(&b->arena, piece) == 100u && !arena_give(&b->arena, piece)); // the second time it is no piece
  CHECK(!arena_holds(&b->arena, piece));
  clear(b);
}

int
main(void)
{
  static const Test tests[] = {
    {"pieces taken, resized and given back in any order stay whole, and become one again", any_order},
    {"there is an end, and what is larger than all of it is refused", exhausted},
    {"what is no piece, or no more, is left alone", foreign},
  };
  return RUN("arena_test", tests);
}
