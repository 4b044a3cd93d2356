/// @file plugin_memory.h
/// The memory of a Fast plugin. This program defines malloc, calloc, realloc, free and their relatives for itself and
/// for every library in its process: the plugin's come from an arena of its own, counted and limited; the loader's,
/// and what was before the plugin, from another one, charged to nobody.
///
/// Real-time: no allocation calls the kernel or takes a lock. One thread only, which is all that a plugin has.
#ifndef OPENRACING_PLUGIN_MEMORY_H
#define OPENRACING_PLUGIN_MEMORY_H

#include "rig.h"

#include <stdbool.h>
#include <stddef.h>

#define PLUGIN_MEMORY_BYTES_MIN 4096u
#define PLUGIN_MEMORY_BYTES_MAX (1u << 30)

/// From here on every allocation but the loader's is the plugin's, limited to `bytes` bytes at a time and counted in
/// `report`; those while its phase is PHASE_PROCESSING are counted apart. 0 or an errno.
int plugin_memory_begin(PluginReport* report, size_t bytes);

/// Writes the counters into the report again, where the plugin may have written something else.
void plugin_memory_tell(void);

#endif
