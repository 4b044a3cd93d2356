#include "plugin_segment.h"

#include <errno.h>
#include <string.h>

static bool
init(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  uint8_t* const base = memory;
  if (bytes != PLUGIN_SEGMENT_BYTES ||
      ring_create(base + PLUGIN_RING_IN, PLUGIN_RING_BYTES, sizeof(FrameSlot), RIG_RING_SLOTS, 0u) != RING_OK ||
      ring_create(base + PLUGIN_RING_OUT, PLUGIN_RING_BYTES, sizeof(FrameSlot), RIG_RING_SLOTS, 0u) != RING_OK) {
    return false;
  }
  PluginReport* const report = memory;
  report->version            = RIG_VERSION;
  report->magic              = PLUGIN_SEGMENT_MAGIC;
  return true;
}

static bool
is_plugin_segment(const Segment* const segment)
{
  // Each is read once: the plugin may change it between two reads.
  const PluginReport* const report = segment->memory;
  return *(const volatile uint32_t*)&report->magic == PLUGIN_SEGMENT_MAGIC &&
         *(const volatile uint32_t*)&report->version == RIG_VERSION;
}

int
plugin_segment_create(const char* const path)
{
  Segment   segment = {.memory = NULL};
  const int error   = segment_open_or_create(&segment, path, PLUGIN_SEGMENT_BYTES, init, NULL);
  if (error) { return error; }
  const bool ours = is_plugin_segment(&segment);
  segment_close(&segment);
  return ours ? 0 : EPROTO;
}

static int
open_sides(PluginSegment* const self, const char* const path, const size_t to, const size_t from)
{
  memset(self, 0, sizeof *self);
  const int error = segment_open(&self->segment, path, PLUGIN_SEGMENT_BYTES, true);
  if (error) { return error; }
  uint8_t* const base = self->segment.memory;
  self->report        = self->segment.memory;
  if (is_plugin_segment(&self->segment) && ring_open_writer(&self->to, base + to, PLUGIN_RING_BYTES) == RING_OK &&
      ring_open_reader(&self->from, base + from, PLUGIN_RING_BYTES) == RING_OK &&
      self->to.slot_size == sizeof(FrameSlot) && self->from.slot_size == sizeof(FrameSlot)) {
    return 0;
  }
  plugin_segment_close(self);
  return EPROTO;
}

int
plugin_segment_open_loop(PluginSegment* const self, const char* const path)
{
  return open_sides(self, path, PLUGIN_RING_IN, PLUGIN_RING_OUT);
}

int
plugin_segment_open_plugin(PluginSegment* const self, const char* const path)
{
  return open_sides(self, path, PLUGIN_RING_OUT, PLUGIN_RING_IN);
}

void
plugin_segment_close(PluginSegment* const self)
{
  segment_close(&self->segment);
  self->report = NULL;
}
