/// @file plugin_segment.h
/// The shared memory of one Fast plugin's process: what it reports, and a ring in each direction.
#ifndef OPENRACING_PLUGIN_SEGMENT_H
#define OPENRACING_PLUGIN_SEGMENT_H

#include "rig.h"
#include "ring.h"
#include "segment.h"

/// One side's view. The other side is a process that we do not trust.
typedef struct {
  Segment       segment;
  PluginReport* report;
  Ring          to;   ///< The ring that we write
  Ring          from; ///< The ring that we read
} PluginSegment;

/// Makes the file at `path`; leaves it alone when it is there already. 0 or an errno, EPROTO when what is
/// there is no plugin segment of this version.
int plugin_segment_create(const char* path);

/// Opens the loop's side: frames to the plugin, answers from it. 0 or an errno; EPROTO when the file is no
/// plugin segment of this version.
int plugin_segment_open_loop(PluginSegment* self, const char* path);

/// As plugin_segment_open_loop(), the plugin's side: answers to the loop, frames from it.
int plugin_segment_open_plugin(PluginSegment* self, const char* path);

/// Unmaps. May be called twice.
void plugin_segment_close(PluginSegment* self);

#endif
