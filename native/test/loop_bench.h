/// @file loop_bench.h
/// A loop on real shared memory files, driven tick by tick with times of the test's own.
#ifndef OPENRACING_TEST_LOOP_BENCH_H
#define OPENRACING_TEST_LOOP_BENCH_H

#include "../loop.h"
#include "../segment.h"
#include "../telemetry.h"
#include "check.h"
#include "shm_directory.h"

#define TICK_S ((float)RIG_PERIOD_NS * 1e-9f)
/// Longer than the fade and the scalar's smoothing: what is wanted then is what comes out.
#define SETTLED_TICKS 80

typedef struct {
  ShmDirectory directory;
  Segment      input;
  Segment      output;
  Segment      scalar;
  Segment      estop;
  Loop         loop;
  Plan         plan; ///< Without plugins
  Ring         producer;
  Ring         consumer;
  Latest       safe;
  Latest       stopper;
  uint64_t     now_ns;
  uint64_t     ticks;
} Bench;

static inline bool
bench_init_ring(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  return ring_create(memory, bytes, sizeof(FrameSlot), RIG_RING_SLOTS, 0u) == RING_OK;
}

static inline bool
bench_init_scalar(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  return latest_create(memory, bytes, sizeof(SafeScalar));
}

static inline bool
bench_init_estop(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  return latest_create(memory, bytes, sizeof(RigEstop));
}

static inline void
bench_open(Segment* const segment, const ShmDirectory* const directory, const char* const name, const size_t bytes,
           const SegmentInit init)
{
  NEED(segment_open_or_create(segment, shm_path(directory, name).path, bytes, init, NULL) == 0);
}

static inline Bench*
bench_make(const float gain, const float max_torque_nm)
{
  Bench* const self = calloc(1, sizeof *self);
  NEED(self);
  self->directory     = shm_directory();
  const size_t scalar = latest_bytes(sizeof(SafeScalar));
  const size_t estop  = latest_bytes(sizeof(RigEstop));
  bench_open(&self->input, &self->directory, "input", PLUGIN_RING_BYTES, bench_init_ring);
  bench_open(&self->output, &self->directory, "output", PLUGIN_RING_BYTES, bench_init_ring);
  bench_open(&self->scalar, &self->directory, "scalar", scalar, bench_init_scalar);
  bench_open(&self->estop, &self->directory, "estop", estop, bench_init_estop);
  NEED(latest_open(&self->loop.estop, self->estop.memory, estop, sizeof(RigEstop)));
  NEED(latest_open(&self->stopper, self->estop.memory, estop, sizeof(RigEstop)));
  NEED(ring_open_writer(&self->producer, self->input.memory, PLUGIN_RING_BYTES) == RING_OK);
  NEED(ring_open_reader(&self->loop.input, self->input.memory, PLUGIN_RING_BYTES) == RING_OK);
  NEED(ring_open_writer(&self->loop.output, self->output.memory, PLUGIN_RING_BYTES) == RING_OK);
  NEED(ring_open_reader(&self->consumer, self->output.memory, PLUGIN_RING_BYTES) == RING_OK);
  NEED(latest_open(&self->loop.scalar, self->scalar.memory, scalar, sizeof(SafeScalar)));
  NEED(latest_open(&self->safe, self->scalar.memory, scalar, sizeof(SafeScalar)));
  self->loop.status = calloc(1, sizeof(RigStatus));
  NEED(self->loop.status);
  self->loop.ffb_scalar = gain;
  const RigEstop clear  = {.engaged = 0u};
  latest_publish(&self->stopper, &clear);
  self->plan            = (Plan){.gain = gain, .limits = {.max_torque_nm = max_torque_nm, .max_slew_nm_per_s = 1e6f}};
  self->now_ns          = 1000u * (uint64_t)RIG_PERIOD_NS;
  return self;
}

static inline void
bench_end(Bench* const self)
{
  segment_close(&self->input);
  segment_close(&self->output);
  segment_close(&self->scalar);
  segment_close(&self->estop);
  shm_remove(&self->directory);
  free(self->loop.status);
  free(self);
}

/// Puts a frame into the input ring.
static inline void
bench_feed(Bench* const self, const float ffb_in, const uint64_t due_ns)
{
  const FrameSlot frame = {.ffb_in = ffb_in, .wheel_angle = 0.5f, .wheel_speed = -1.0f, .timestamp_ns = due_ns};
  CHECK(ring_push(&self->producer, &frame) == RING_OK);
}

/// One tick, exactly on time. Returns its slot of the output ring.
static inline FrameSlot
bench_tick(Bench* const self, const Plan* const plan)
{
  self->now_ns += RIG_PERIOD_NS;
  loop_tick(&self->loop, plan, self->now_ns, self->now_ns, TICK_S);
  FrameSlot slot = {0};
  CHECK(ring_pop(&self->consumer, &slot) == RING_OK);
  CHECK(slot.reserved == ++self->ticks && slot.sequence == (uint32_t)self->ticks && slot.timestamp_ns == self->now_ns);
  FrameSlot second;
  CHECK(ring_pop(&self->consumer, &second) == RING_EMPTY);
  return slot;
}

/// A tick with a fresh frame.
static inline FrameSlot
bench_drive(Bench* const self, const float ffb_in)
{
  bench_feed(self, ffb_in, self->now_ns + RIG_PERIOD_NS);
  return bench_tick(self, &self->plan);
}

/// Drives until the output no longer changes; returns it.
static inline float
bench_settle(Bench* const self, const float ffb_in)
{
  for (int i = 1; i < SETTLED_TICKS; ++i) { bench_drive(self, ffb_in); }
  return bench_drive(self, ffb_in).torque_out;
}

#endif
