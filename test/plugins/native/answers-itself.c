/// Keeps its hundredth call for ever and answers the loop's frames from there: to the loop it is never late. It says that
/// it is idle, and sleeps a moment every 5 ms of its own, so that no limit of an unbroken run is met.
#define _GNU_SOURCE
#define PLUGIN_OF_CREATES
#include "../../../native/clock.h"
#include "plugin_of.h"

#include "answers-frames.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RUN_NS 5000000u
#define REST_NS 100000

static uint8_t* segment;

static void*
plugin_create(const uint8_t* const config, const size_t length)
{
  (void)config;
  (void)length;
  segment = segment_of();
  return segment ? &a_state : (void*)0;
}

static void
rest(void)
{
  static uint32_t       word;
  const struct timespec time = {.tv_nsec = REST_NS};
  syscall(SYS_futex, &word, FUTEX_WAIT, 0u, &time, (void*)0, 0u);
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  static int frames;
  *ffb_out = ffb_in;
  if (++frames < 100) { return 0; }
  OwnRings rings = own_rings(segment);
  atomic_store(&((PluginReport*)(void*)segment)->phase, PHASE_IDLE);
  --rings.read; // the frame that we were called with
  for (uint64_t began_ns = clock_now_ns();; answer_frame(&rings)) {
    if (clock_now_ns() - began_ns < RUN_NS) { continue; }
    rest();
    began_ns = clock_now_ns();
  }
}

PLUGIN_OF(process)
