#include "arena.h"

#define USED 0x44455355u ///< "USED"
#define FREE 0x45455246u ///< "FREE"

/// In front of every piece. Sizes and places are multiples of ARENA_ALIGN, from the start of the memory; 0 is nobody's.
typedef struct {
  uint32_t before; ///< Bytes of the block in front; 0: this is the first
  uint32_t bytes;  ///< Of this one, with this header
  uint32_t asked;
  uint32_t state; ///< USED, FREE
} Block;

/// In the place of a free block.
typedef struct {
  uint32_t next;
  uint32_t previous;
} Links;

#define HEADER_BYTES ((uint32_t)sizeof(Block))
#define BLOCK_BYTES_MIN (2u * ARENA_ALIGN)
#define FIRST ARENA_ALIGN

_Static_assert(sizeof(Block) == ARENA_ALIGN, "what follows a header is aligned as the header is");

static Block*
block_at(const Arena* const arena, const uint32_t offset)
{
  return (Block*)(void*)(arena->memory + offset);
}

static Links*
links_at(const Arena* const arena, const uint32_t offset)
{
  return (Links*)(void*)(arena->memory + offset + HEADER_BYTES);
}

/// The bin of free blocks of this size: eight between a power of two and the next.
static unsigned
bin_of(const uint32_t bytes)
{
  const unsigned power = 31u - (unsigned)__builtin_clz(bytes);
  return power * 8u + ((bytes >> (power - 3u)) & 7u);
}

static void
add_free(Arena* const arena, const uint32_t offset)
{
  Block* const   block = block_at(arena, offset);
  const unsigned bin   = bin_of(block->bytes);
  const Links    links = {.next = arena->bins[bin], .previous = 0u};
  block->state         = FREE;
  *links_at(arena, offset) = links;
  if (links.next) { links_at(arena, links.next)->previous = offset; }
  arena->bins[bin] = offset;
  arena->filled[bin / 64u] |= 1ull << (bin % 64u);
}

static void
remove_free(Arena* const arena, const uint32_t offset)
{
  const Links    links = *links_at(arena, offset);
  const unsigned bin   = bin_of(block_at(arena, offset)->bytes);
  if (links.next) { links_at(arena, links.next)->previous = links.previous; }
  if (links.previous) {
    links_at(arena, links.previous)->next = links.next;
  } else {
    arena->bins[bin] = links.next;
    if (!links.next) { arena->filled[bin / 64u] &= ~(1ull << (bin % 64u)); }
  }
}

/// A free block of at least `bytes` bytes, 0 when there is none. Looks only at bins whose every block is large enough.
static uint32_t
find_free(const Arena* const arena, const uint32_t bytes)
{
  const unsigned power   = 31u - (unsigned)__builtin_clz(bytes);
  const uint32_t rounded = bytes + (1u << (power - 3u)) - 1u;
  if (rounded < bytes) { return 0u; }
  const unsigned first = bin_of(rounded);
  for (unsigned word = first / 64u; word < ARENA_BINS / 64u; ++word) {
    const uint64_t mask = word == first / 64u ? ~0ull << (first % 64u) : ~0ull;
    const uint64_t hit  = arena->filled[word] & mask;
    if (hit) { return arena->bins[word * 64u + (unsigned)__builtin_ctzll(hit)]; }
  }
  return 0u;
}

static void
tell_next(const Arena* const arena, const uint32_t offset)
{
  const uint32_t bytes = block_at(arena, offset)->bytes;
  if (offset + bytes < arena->bytes) { block_at(arena, offset + bytes)->before = bytes; }
}

/// Cuts a block that is in no bin after `bytes` bytes; what is behind the cut is free.
static void
cut(Arena* const arena, const uint32_t offset, const uint32_t bytes)
{
  Block* const   block = block_at(arena, offset);
  const uint32_t rest  = block->bytes - bytes;
  if (rest < BLOCK_BYTES_MIN) { return; }
  block->bytes = bytes;
  *block_at(arena, offset + bytes) = (Block){.before = bytes, .bytes = rest};
  tell_next(arena, offset + bytes);
  add_free(arena, offset + bytes);
}

/// Makes a block that is in no bin free, one with its free neighbours.
static void
join(Arena* const arena, uint32_t offset)
{
  Block*         block = block_at(arena, offset);
  const uint32_t next  = offset + block->bytes;
  if (next < arena->bytes && block_at(arena, next)->state == FREE) {
    remove_free(arena, next);
    block->bytes += block_at(arena, next)->bytes;
    block_at(arena, next)->state = 0u;
  }
  const uint32_t before = block->before;
  if (before && block_at(arena, offset - before)->state == FREE) {
    remove_free(arena, offset - before);
    block_at(arena, offset - before)->bytes += block->bytes;
    block->state = 0u;
    offset -= before;
  }
  tell_next(arena, offset);
  add_free(arena, offset);
}

void
arena_open(Arena* const arena, void* const memory, const size_t bytes)
{
  const size_t usable = bytes < ARENA_BYTES_MAX ? bytes & ~(size_t)(ARENA_ALIGN - 1u) : ARENA_BYTES_MAX;
  *arena              = (Arena){.memory = memory, .bytes = (uint32_t)usable};
  block_at(arena, FIRST)->bytes = arena->bytes - FIRST;
  add_free(arena, FIRST);
}

/// Bytes of a block with this much room, 0 when no arena can have it.
static uint32_t
block_bytes(const size_t room)
{
  if (room > ARENA_BYTES_MAX / 2u) { return 0u; }
  const uint32_t bytes = ((uint32_t)room + HEADER_BYTES + ARENA_ALIGN - 1u) & ~(ARENA_ALIGN - 1u);
  return bytes < BLOCK_BYTES_MIN ? BLOCK_BYTES_MIN : bytes;
}

/// Gives the front of a block back, so that what follows the header of the rest is aligned. Returns that header's place.
static uint32_t
cut_front(Arena* const arena, const uint32_t offset, const size_t align)
{
  const uintptr_t place = (uintptr_t)arena->memory + offset + HEADER_BYTES;
  uintptr_t       wanted = (place + align - 1u) & ~(uintptr_t)(align - 1u);
  while (wanted != place && wanted - place < BLOCK_BYTES_MIN) { wanted += align; }
  const uint32_t gap = (uint32_t)(wanted - place);
  if (!gap) { return offset; }
  Block* const front = block_at(arena, offset);
  *block_at(arena, offset + gap) = (Block){.before = gap, .bytes = front->bytes - gap};
  front->bytes                   = gap;
  tell_next(arena, offset + gap);
  add_free(arena, offset);
  return offset + gap;
}

void*
arena_take(Arena* const arena, const size_t align, const size_t bytes)
{
  const bool     aligned = align <= ARENA_ALIGN;
  const uint32_t exact   = block_bytes(bytes);
  if (!exact || align > ARENA_BYTES_MAX / 4u) { return NULL; }
  const uint32_t wanted = aligned ? exact : block_bytes(bytes + align + BLOCK_BYTES_MIN);
  uint32_t       offset = wanted ? find_free(arena, wanted) : 0u;
  if (!offset) { return NULL; }
  remove_free(arena, offset);
  if (!aligned) { offset = cut_front(arena, offset, align); }
  cut(arena, offset, exact);
  Block* const block = block_at(arena, offset);
  block->asked       = (uint32_t)bytes;
  block->state       = USED;
  return block + 1;
}

bool
arena_holds(const Arena* const arena, const void* const place)
{
  const uintptr_t first  = (uintptr_t)arena->memory + FIRST + HEADER_BYTES;
  const uintptr_t at     = (uintptr_t)place;
  const bool      inside = arena->memory && at >= first && at < (uintptr_t)arena->memory + arena->bytes;
  return inside && at % ARENA_ALIGN == 0u && ((const Block*)place - 1)->state == USED;
}

size_t
arena_give(Arena* const arena, void* const place)
{
  if (!arena_holds(arena, place)) { return 0u; }
  const size_t asked = arena_asked(place);
  join(arena, (uint32_t)((uint8_t*)place - arena->memory) - HEADER_BYTES);
  return asked;
}

bool
arena_resize(Arena* const arena, void* const place, const size_t bytes)
{
  const uint32_t exact = block_bytes(bytes);
  Block* const   block = (Block*)place - 1;
  if (!exact || exact > block->bytes) { return false; }
  block->asked          = (uint32_t)bytes;
  const uint32_t offset = (uint32_t)((uint8_t*)place - arena->memory) - HEADER_BYTES;
  const uint32_t rest   = block->bytes - exact;
  if (rest < BLOCK_BYTES_MIN) { return true; }
  block->bytes                     = exact;
  *block_at(arena, offset + exact) = (Block){.before = exact, .bytes = rest};
  join(arena, offset + exact);
  return true;
}

size_t
arena_asked(const void* const place)
{
  return ((const Block*)place - 1)->asked;
}

size_t
arena_room(const void* const place)
{
  return ((const Block*)place - 1)->bytes - HEADER_BYTES;
}
