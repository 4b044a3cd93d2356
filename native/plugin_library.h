/// @file plugin_library.h
/// A Fast plugin's library: checked, opened, and asked for its functions.
#ifndef OPENRACING_PLUGIN_LIBRARY_H
#define OPENRACING_PLUGIN_LIBRARY_H

#include "../sdk/c/plugin.h"

#include <stdbool.h>
#include <stddef.h>

/// Bytes of a sentence that says what is wrong.
#define PLUGIN_LIBRARY_TEXT 240u

/// Whether nobody can change the file any more: it is a memfd with every seal. Else `text` says what is wrong.
bool plugin_library_is_sealed(int fd, char* text, size_t room);

/// Opens what `fd` holds and runs the plugin's code for the first time. False: `text` says what is wrong.
bool plugin_library_open(PluginVTable* plugin, int fd, char* text, size_t room);

#endif
