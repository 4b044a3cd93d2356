/// Where a plugin's process has the memory that it shares with the loop: for those that spoil it.
#ifndef SEGMENT_OF_H
#define SEGMENT_OF_H

#include "../../../native/rig.h"

#include <link.h>

/// Looks through the program's own data for a page that begins as a plugin segment does.
static int
find_segment(struct dl_phdr_info* const info, const size_t size, void* const found)
{
  (void)size;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)* const part = info->dlpi_phdr + i;
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_W)) { continue; }
    const uintptr_t end = info->dlpi_addr + part->p_vaddr + part->p_memsz;
    for (uintptr_t at = (info->dlpi_addr + part->p_vaddr + 7u) & ~(uintptr_t)7u; at + 8u <= end; at += 8u) {
      uint8_t* const page = *(uint8_t* const*)at;
      // What is mapped is far above the program; other words of its data are smaller, or no address at all.
      if ((uintptr_t)page % 4096u || (uintptr_t)page < info->dlpi_addr + (1ull << 32u) || (uintptr_t)page >> 48u) { continue; }
      if (*(const uint32_t*)(void*)page != PLUGIN_SEGMENT_MAGIC) { continue; }
      *(uint8_t**)found = page;
      return 1;
    }
  }
  return 1; // the program is the first; the libraries are no concern
}

static uint8_t*
segment_of(void)
{
  uint8_t* found = 0;
  dl_iterate_phdr(find_segment, &found);
  return found;
}

#endif
