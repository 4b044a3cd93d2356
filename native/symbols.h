/// @file symbols.h
/// The names of a library's functions, out of its file. The file is a stranger's: every offset is checked.
///
/// Async-signal-safe: for the handler of a signal that the library may have caused anywhere, the loader included.
#ifndef OPENRACING_SYMBOLS_H
#define OPENRACING_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t* file;
  size_t         bytes;
} Symbols;

/// Maps the file, which must be sealed: one that is cut would end us while we read it. 0 or an errno.
int symbols_open(Symbols* symbols, int fd);

/// Whether this is code of the library. `offset` is from where the loader put it.
bool symbols_is_code(const Symbols* symbols, uintptr_t offset);

/// Whether the file names every function, not only its exports.
bool symbols_has_all(const Symbols* symbols);

/// The function that this is in or follows, as `name+0x1f`; empty when none is known. The file's full table is used
/// where it was not stripped, else that of its exports.
void symbols_name(const Symbols* symbols, uintptr_t offset, char* text, size_t room);

/// Writes `name+0x1f`; no printf, which may allocate. At the most `room` bytes with the NUL.
void symbols_write(char* text, size_t room, const char* name, size_t name_bytes, uintptr_t distance);

#endif
