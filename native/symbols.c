#include "symbols.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME_BYTES_MAX 72u ///< Longer names are cut, so that the distance stays to be read

int
symbols_open(Symbols* const symbols, const int fd)
{
  struct stat info;
  if (fstat(fd, &info)) { return errno; }
  if (info.st_size <= 0) { return ENOEXEC; }
  void* const file = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (file == MAP_FAILED) { return errno; }
  *symbols = (Symbols){.file = file, .bytes = (size_t)info.st_size};
  return 0;
}

/// `count` things of `size` bytes at this place of the file, NULL when they are not all in it.
static const void*
at(const Symbols* const symbols, const uint64_t offset, const uint64_t count, const size_t size)
{
  const bool inside = symbols->file && offset % 8u == 0u && offset <= symbols->bytes &&
                      count <= (symbols->bytes - offset) / size;
  return inside ? symbols->file + offset : NULL;
}

static const ElfW(Ehdr)*
header_of(const Symbols* const symbols)
{
  const ElfW(Ehdr)* const header = at(symbols, 0u, 1u, sizeof *header);
  return header && !memcmp(header->e_ident, ELFMAG, SELFMAG) ? header : NULL;
}

bool
symbols_is_code(const Symbols* const symbols, const uintptr_t offset)
{
  const ElfW(Ehdr)* const header = header_of(symbols);
  const ElfW(Phdr)* const parts  = header ? at(symbols, header->e_phoff, header->e_phnum, sizeof *parts) : NULL;
  for (unsigned i = 0; parts && i < header->e_phnum; ++i) {
    const bool code = parts[i].p_type == PT_LOAD && (parts[i].p_flags & PF_X);
    if (code && offset >= parts[i].p_vaddr && offset - parts[i].p_vaddr < parts[i].p_memsz) { return true; }
  }
  return false;
}

static const ElfW(Shdr)*
section_of(const Symbols* const symbols, const ElfW(Ehdr)* const header, const uint32_t type)
{
  const ElfW(Shdr)* const sections = at(symbols, header->e_shoff, header->e_shnum, sizeof *sections);
  for (unsigned i = 0; sections && i < header->e_shnum; ++i) {
    if (sections[i].sh_type == type && sections[i].sh_link < header->e_shnum) { return sections + i; }
  }
  return NULL;
}

bool
symbols_has_all(const Symbols* const symbols)
{
  const ElfW(Ehdr)* const header = header_of(symbols);
  return header && section_of(symbols, header, SHT_SYMTAB);
}

static const ElfW(Sym)*
nearest(const ElfW(Sym)* const table, const uint64_t count, const uintptr_t offset)
{
  const ElfW(Sym)* best = NULL;
  for (uint64_t i = 0; i < count; ++i) {
    const bool function = (table[i].st_info & 0xfu) == STT_FUNC && table[i].st_shndx != SHN_UNDEF;
    if (function && table[i].st_value <= offset && (!best || table[i].st_value > best->st_value)) { best = table + i; }
  }
  return best;
}

static size_t
append(char* const text, const size_t room, size_t length, const char* const more, const size_t bytes)
{
  for (size_t i = 0; i < bytes && length + 1u < room; ++i) { text[length++] = more[i]; }
  text[length] = '\0';
  return length;
}

void
symbols_write(char* const text, const size_t room, const char* const name, const size_t name_bytes, uintptr_t distance)
{
  char   digits[2u * sizeof distance];
  size_t first = sizeof digits;
  do {
    digits[--first] = "0123456789abcdef"[distance % 16u];
    distance /= 16u;
  } while (distance);
  size_t length = append(text, room, 0u, name, name_bytes < NAME_BYTES_MAX ? name_bytes : NAME_BYTES_MAX);
  length        = append(text, room, length, "+0x", 3u);
  append(text, room, length, digits + first, sizeof digits - first);
}

/// Printable characters up to the end of the name, of the file, or to NAME_BYTES_MAX.
static size_t
name_bytes(const char* const name, const size_t room)
{
  size_t length = 0u;
  while (length < room && length < NAME_BYTES_MAX && name[length] > ' ' && name[length] <= '~') { ++length; }
  return length;
}

void
symbols_name(const Symbols* const symbols, const uintptr_t offset, char* const text, const size_t room)
{
  text[0]                        = '\0';
  const ElfW(Ehdr)* const header = header_of(symbols);
  if (!header) { return; }
  const ElfW(Shdr)* const full    = section_of(symbols, header, SHT_SYMTAB);
  const ElfW(Shdr)* const section = full ? full : section_of(symbols, header, SHT_DYNSYM);
  if (!section) { return; }

  const uint64_t         count = section->sh_size / sizeof(ElfW(Sym));
  const ElfW(Sym)* const table = at(symbols, section->sh_offset, count, sizeof *table);
  const ElfW(Sym)* const found = table ? nearest(table, count, offset) : NULL;
  const ElfW(Shdr)* const all  = at(symbols, header->e_shoff, header->e_shnum, sizeof *all);
  if (!found || !all) { return; }
  const uint64_t start = all[section->sh_link].sh_offset;
  if (start >= symbols->bytes || found->st_name >= symbols->bytes - start) { return; }
  const char* const name = (const char*)symbols->file + start + found->st_name;
  symbols_write(text, room, name, name_bytes(name, symbols->bytes - start - found->st_name), offset - found->st_value);
}
