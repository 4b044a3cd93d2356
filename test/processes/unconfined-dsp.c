/// Stands in for wheel-dsp on a kernel that has neither landlock nor seccomp: it is ready, gives every frame back as it
/// came, and says that nothing confines it.
#include "../../native/clock.h"
#include "../../native/doorbell.h"
#include "../../native/plugin_segment.h"

#include <string.h>
#include <unistd.h>

int
main(const int argc, char** const argv)
{
  PluginSegment shared;
  if (argc != 5 || plugin_segment_open_plugin(&shared, argv[1])) { return 1; }
  atomic_store(&shared.report->sandbox, 0u);
  if (write(3, "ready", strlen("ready")) < 0) { return 1; }
  close(3);
  for (FrameSlot frame;;) {
    if (!doorbell_wait(&shared.from, clock_now_ns() + CLOCK_NS_PER_S, 0u)) { continue; }
    if (ring_pop(&shared.from, &frame) != RING_OK) { return 1; }
    frame.torque_out = frame.ffb_in;
    frame.result     = 0;
    if (ring_push(&shared.to, &frame) == RING_OK) { doorbell_ring(&shared.to); }
  }
}
