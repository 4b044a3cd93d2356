#include "plugin_memory.h"

#include "arena.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/// Of the loader and the C library themselves: about 2 KiB for a library that is opened, and its thread-local variables.
#define OWN_BYTES (512u * 1024u)
/// Beside twice the limit: a plugin of many small pieces needs headers, one of few large pieces room to move them.
#define SPARE_BYTES (64u * 1024u)

typedef struct {
  Arena         own;
  Arena         theirs; ///< Empty until plugin_memory_begin()
  PluginReport* report;
  uint64_t      limit;
  uint64_t      used; ///< Here, not in the report: that is the plugin's to scribble on
  uint64_t      most;
  uint64_t      refused;
  uint64_t      calls;
  uintptr_t     loader; ///< Its code, from here
  uintptr_t     loader_end;
} Memory;

static Memory memory;
alignas(ARENA_ALIGN) static uint8_t own_memory[OWN_BYTES]; // touched only as it is used

static int
find_loader(struct dl_phdr_info* const info, const size_t size, void* const unused)
{
  (void)size;
  (void)unused;
  if (info->dlpi_addr != getauxval(AT_BASE)) { return 0; }
  memory.loader = info->dlpi_addr;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    if (info->dlpi_phdr[i].p_type == PT_LOAD && end > memory.loader_end) { memory.loader_end = end; }
  }
  return 1;
}

int
plugin_memory_begin(PluginReport* const report, const size_t bytes)
{
  const size_t all = 2u * bytes + SPARE_BYTES;
  // NORESERVE: address space now, memory only as it is touched.
  void* const place = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) { return errno; }
  dl_iterate_phdr(find_loader, NULL);
  arena_open(&memory.theirs, place, all);
  memory.limit  = bytes;
  memory.report = report;
  return 0;
}

static void
publish(_Atomic uint64_t* const place, const uint64_t value)
{
  atomic_store_explicit(place, value, memory_order_relaxed);
}

static void
charge(const size_t taken, const size_t given)
{
  memory.used += taken;
  memory.used -= given;
  publish(&memory.report->memory_bytes, memory.used);
  if (memory.used <= memory.most) { return; }
  memory.most = memory.used;
  publish(&memory.report->memory_max, memory.most);
}

void
plugin_memory_tell(void)
{
  publish(&memory.report->memory_bytes, memory.used);
  publish(&memory.report->memory_max, memory.most);
  publish(&memory.report->memory_refused, memory.refused);
  publish(&memory.report->allocations, memory.calls);
}

static void
count_call(void)
{
  if (!memory.report) { return; }
  if (atomic_load_explicit(&memory.report->phase, memory_order_relaxed) != PHASE_PROCESSING) { return; }
  publish(&memory.report->allocations, ++memory.calls);
}

static bool
is_plugins(const void* const caller)
{
  const uintptr_t at = (uintptr_t)caller;
  return memory.report && !(at >= memory.loader && at < memory.loader_end);
}

static void*
refuse(void)
{
  if (memory.report) { publish(&memory.report->memory_refused, ++memory.refused); }
  errno = ENOMEM;
  return NULL;
}

static bool
affordable(const size_t bytes, const size_t given)
{
  return bytes <= memory.limit && memory.used - given + bytes <= memory.limit;
}

static void*
take_own(const size_t align, const size_t bytes)
{
  // The loader and the C library ask before main() does.
  if (!memory.own.memory) { arena_open(&memory.own, own_memory, sizeof own_memory); }
  void* const place = arena_take(&memory.own, align, bytes);
  if (!place) { errno = ENOMEM; }
  return place;
}

static void*
take(const void* const caller, const size_t align, const size_t bytes)
{
  count_call();
  if (!is_plugins(caller)) { return take_own(align, bytes); }
  void* const place = affordable(bytes, 0u) ? arena_take(&memory.theirs, align, bytes) : NULL;
  if (!place) { return refuse(); }
  charge(bytes, 0u);
  return place;
}

/// The arena that holds this place, NULL for what is from neither.
static Arena*
holder_of(const void* const place)
{
  return arena_holds(&memory.theirs, place) ? &memory.theirs : arena_holds(&memory.own, place) ? &memory.own : NULL;
}

static void
give(void* const place)
{
  Arena* const holder = holder_of(place);
  if (!holder) { return; }
  const size_t asked = arena_give(holder, place);
  if (holder == &memory.theirs) { charge(0u, asked); }
}

/// What was taken stays in the arena that it is from.
static void*
move(void* const place, const size_t bytes)
{
  Arena* const holder  = holder_of(place);
  const bool   plugins = holder == &memory.theirs;
  const size_t asked   = arena_asked(place);
  count_call();
  if (plugins && !affordable(bytes, asked)) { return refuse(); }
  void* moved = place;
  if (!arena_resize(holder, place, bytes)) {
    moved = arena_take(holder, ARENA_ALIGN, bytes);
    if (!moved) { return refuse(); }
    const size_t room = arena_room(place);
    memcpy(moved, place, room < bytes ? room : bytes);
    arena_give(holder, place);
  }
  if (plugins) { charge(bytes, asked); }
  return moved;
}

static bool
is_power_of_two(const size_t number)
{
  return number && (number & (number - 1u)) == 0u;
}

// ---------------------------------------------------------------- what libraries call
//
// The linker exports these because libc.so defines the same names; everything else of this program stays its own.

#define CALLER __builtin_return_address(0)

void*
malloc(const size_t bytes)
{
  return take(CALLER, ARENA_ALIGN, bytes);
}

void*
calloc(const size_t count, const size_t size)
{
  size_t bytes = 0u;
  if (__builtin_mul_overflow(count, size, &bytes)) { return refuse(); }
  void* const place = take(CALLER, ARENA_ALIGN, bytes);
  return place ? memset(place, 0, bytes) : NULL;
}

void*
realloc(void* const place, const size_t bytes)
{
  if (!holder_of(place)) { return take(CALLER, ARENA_ALIGN, bytes); } // NULL, or what is from nowhere
  if (bytes) { return move(place, bytes); }
  give(place);
  return NULL;
}

void
free(void* const place)
{
  give(place);
}

void*
aligned_alloc(const size_t align, const size_t bytes)
{
  if (is_power_of_two(align)) { return take(CALLER, align, bytes); }
  errno = EINVAL;
  return NULL;
}

void*
memalign(const size_t align, const size_t bytes)
{
  if (is_power_of_two(align)) { return take(CALLER, align, bytes); }
  errno = EINVAL;
  return NULL;
}

int
posix_memalign(void** const place, const size_t align, const size_t bytes)
{
  if (!is_power_of_two(align) || align % sizeof(void*)) { return EINVAL; }
  const int   before = errno; // this one tells by what it returns
  void* const taken  = take(CALLER, align, bytes);
  errno              = before;
  if (!taken) { return ENOMEM; }
  *place = taken;
  return 0;
}

void*
valloc(const size_t bytes)
{
  return take(CALLER, getauxval(AT_PAGESZ), bytes);
}

void*
pvalloc(const size_t bytes)
{
  const size_t page = getauxval(AT_PAGESZ);
  return bytes > SIZE_MAX - page ? refuse() : take(CALLER, page, (bytes + page - 1u) & ~(page - 1u));
}

size_t
malloc_usable_size(void* const place)
{
  const Arena* const holder = holder_of(place);
  return holder ? arena_room(place) : 0u;
}
