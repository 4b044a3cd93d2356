/// Names out of a library's file, whatever a stranger wrote into it.
#include "../symbols.h"
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>

#define LIBRARY "build/vices/crashes.so"

static uint8_t*
read_library(size_t* const bytes)
{
  FILE* const file = fopen(LIBRARY, "re");
  NEED(file && fseek(file, 0, SEEK_END) == 0);
  *bytes = (size_t)ftell(file);
  rewind(file);
  uint8_t* const copy = malloc(*bytes); // exactly as large: the sanitizer sees what is read beside it
  NEED(copy && fread(copy, 1, *bytes, file) == *bytes);
  fclose(file);
  return copy;
}

static void
names(void)
{
  const int fd      = open(LIBRARY, O_RDONLY | O_CLOEXEC);
  Symbols   symbols = {0};
  NEED(fd >= 0 && symbols_open(&symbols, fd) == 0);
  CHECK(symbols_has_all(&symbols));
  bool found = false;
  char text[96];
  for (uintptr_t offset = 0u; offset < symbols.bytes; ++offset) {
    symbols_name(&symbols, offset, text, sizeof text);
    const bool named = strcmp(text, "process+0x1") == 0;
    if (named) { CHECK(symbols_is_code(&symbols, offset)); }
    found = found || named;
  }
  CHECK(found && !symbols_is_code(&symbols, 0u) && !symbols_is_code(&symbols, UINTPTR_MAX));
}

static void
look_everywhere(const Symbols* const symbols)
{
  static const uintptr_t offsets[] = {0u, 0x1100u, 0x1138u, 0x2000u, UINTPTR_MAX / 2u, UINTPTR_MAX};
  char                   text[96];
  for (size_t i = 0u; i < sizeof offsets / sizeof *offsets; ++i) {
    symbols_name(symbols, offsets[i], text, sizeof text);
    CHECK(memchr(text, '\0', sizeof text));
    (void)symbols_is_code(symbols, offsets[i]);
  }
}

/// A word of the file's header, of a section's, or anywhere.
static size_t
weak_spot(const uint8_t* const file, const size_t bytes, uint64_t* const random)
{
  ElfW(Ehdr) header;
  memcpy(&header, file, sizeof header);
  const size_t sections = (size_t)header.e_shnum * sizeof(ElfW(Shdr));
  switch (check_below(random, 3u)) {
    case 0u: return check_below(random, sizeof header);
    case 1u: return header.e_shoff + check_below(random, (uint32_t)sections);
    default: return check_below(random, (uint32_t)bytes);
  }
}

static void
spoiled(void)
{
  size_t         bytes  = 0u;
  uint8_t* const whole  = read_library(&bytes);
  uint8_t* const copy   = malloc(bytes);
  uint64_t       random = 1u;
  NEED(copy);
  for (int round = 0; round < 20000; ++round) {
    memcpy(copy, whole, bytes);
    for (uint32_t i = 0u; i <= check_below(&random, 4u); ++i) {
      copy[weak_spot(whole, bytes, &random)] = (uint8_t)check_random(&random);
    }
    const Symbols symbols = {copy, bytes};
    look_everywhere(&symbols);
  }
  free(copy);
  free(whole);
}

static void
cut(void)
{
  size_t         bytes = 0u;
  uint8_t* const whole = read_library(&bytes);
  for (size_t length = 0u; length < bytes; length += 61u) {
    uint8_t* const copy = malloc(length + !length);
    NEED(copy);
    memcpy(copy, whole, length);
    const Symbols symbols = {copy, length};
    look_everywhere(&symbols);
    free(copy);
  }
  free(whole);
}

int
main(void)
{
  static const Test tests[] = {
    {"a function is found by its place", names},
    {"a file with wrong words in it is read within its bounds", spoiled},
    {"a file that ends anywhere is read to its end and no further", cut},
  };
  return RUN("symbols_test", tests);
}
