/// @file plugin_end.h
/// How the process of a Fast plugin ended, told by itself: the handler of what ends it writes PluginEnd into the shared
/// memory, which outlives the process, and then lets the signal end it.
#ifndef OPENRACING_PLUGIN_END_H
#define OPENRACING_PLUGIN_END_H

#include "../sdk/c/plugin.h"
#include "rig.h"
#include "symbols.h"

#include <stdbool.h>

/// Takes the signals that end a plugin, on a stack of their own. Called again after create(): whatever the plugin
/// installed or blocked, they are ours. False where the system does not let us.
bool plugin_end_watch(PluginReport* report, const Symbols* library);

/// The functions of the plugin by their addresses: a stripped library tells their names no other way.
void plugin_end_know(const PluginVTable* plugin);

/// What the plugin is doing from here on. Real-time.
void plugin_end_enter(PluginPhase phase);

/// CPU time of this thread when the call that is under way began, ns. Real-time.
void plugin_end_call(uint64_t cpu_ns);

/// Tells that the plugin destroyed a ring: 0 its input ring, 1 its output ring. `count`: what it made of a counter there;
/// `phase` and `sequence`: of its newest call. It may have destroyed the report too, which is made good.
void plugin_end_ring(int ring, uint64_t count, PluginPhase phase, uint32_t sequence);

#endif
