#include "chain.h"

#include "clock.h"
#include "doorbell.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4096
/// Answers looked at in one tick. One is expected; the rest can only be what a
/// previous loop asked for, or a peer that makes them up.
#define ANSWERS_MAX 8
/// The kernel charges a process with what interrupts it and with what the machine under a virtual one takes. That hits a
/// call now and then; a call that spends too much is the plugin's doing when another one does within as many calls.
#define OVER_APART_MAX 100u
/// And of calls that are alone, one in so many is, when there have been that many of them: a machine with all its cores
/// loaded was seen to do it to one in 9600.
#define OVER_ALONE_ANSWERS 2000u
#define OVER_ALONE_MANY 15u
#define DT_DEFAULT_S 0.001f
#define DT_MAX_S 0.1f ///< A plugin that was passed by for longer is told this

static void
count_up(_Atomic uint64_t* const counter)
{
  // One writer: a plain load and store, no locked instruction.
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1u, memory_order_relaxed);
}

int
link_open(Link* const link, const char* const directory, const ControlEntry entry, RigPlugin* const count)
{
  memset(link, 0, sizeof *link);
  char      path[PATH_BYTES];
  const int length = snprintf(path, sizeof path, "%s/plugin-%u", directory, entry.instance);
  if (length < 0 || length >= (int)sizeof path) { return ENAMETOOLONG; }

  const int error = plugin_segment_open_loop(&link->shared, path);
  if (error) { return error; }
  link->entry = entry;
  link->count = count;
  priority_open(&link->priority, (pid_t)entry.pid);
  return 0;
}

void
link_close(Link* const link)
{
  plugin_segment_close(&link->shared);
  priority_close(&link->priority);
}

static void
give_up(Link* const link)
{
  link->corrupt = true;
  // A new process of the same plugin may have the slot already.
  if (atomic_load_explicit(&link->count->instance, memory_order_relaxed) != link->entry.instance) { return; }
  atomic_store_explicit(&link->count->state, PLUGIN_CORRUPT, memory_order_relaxed);
}

/// Takes the answer to the frame that is under way, if it is there.
static bool
take_answer(Link* const link, FrameSlot* const answer)
{
  for (int i = 0; i < ANSWERS_MAX; ++i) {
    const RingStatus st = ring_pop(&link->shared.from, answer);
    if (st == RING_CORRUPT) { give_up(link); }
    if (st != RING_OK) { return false; }
    if (link->waiting && answer->sequence == link->under_way) {
      link->waiting = false;
      atomic_store_explicit(&link->count->under_way_ns, 0u, memory_order_relaxed);
      priority_lend(&link->priority);
      return true;
    }
  }
  return false;
}

/// Counts an answer that spent too much, and the one before it that was alone until now.
static void
account_over(Link* const link)
{
  const uint64_t number = atomic_load_explicit(&link->count->executions, memory_order_relaxed);
  const uint64_t passed = number - link->over_at;
  const bool     alone  = !link->over_at || passed > OVER_APART_MAX;
  link->over_level      = link->over_level > passed ? link->over_level - passed : 0u;
  if (alone) { link->over_level += OVER_ALONE_ANSWERS; }
  const bool often = link->over_level > (uint64_t)OVER_ALONE_ANSWERS * OVER_ALONE_MANY;

  if (!alone || often) { count_up(&link->count->budget_violations); }
  if (!alone && link->over_alone) { count_up(&link->count->budget_violations); }
  link->over_at    = number;
  link->over_alone = alone && !often;
}

/// Counts an answer. True when its torque may be used: whatever it says of its budget, which is about the call before.
/// One that spends more than its budget is late by that much at least, and late answers are not used.
static bool
account(Link* const link, const FrameSlot* const answer)
{
  RigPlugin* const count = link->count;
  count_up(&count->executions);
  atomic_store_explicit(&count->last_result, answer->result, memory_order_relaxed);

  const bool failed   = answer->result != 0;
  const bool timed    = answer->status & FRAME_TIMED;
  const bool over     = timed && answer->cpu_ns > (uint64_t)link->entry.budget_us * CLOCK_NS_PER_US;
  const bool infinite = !isfinite(answer->torque_out);
  if (timed) { histogram_record(&count->cpu, answer->cpu_ns); }
  if (failed) { count_up(&count->failures); }
  if (over) { account_over(link); }
  if (infinite) { count_up(&count->non_finite); }
  return !failed && !infinite;
}

static float
seconds_since_last(const Link* const link, const uint64_t due_ns)
{
  if (!link->sent_due_ns) { return DT_DEFAULT_S; }
  const float dt = (float)(due_ns - link->sent_due_ns) * 1e-9f;
  return dt < DT_MAX_S ? dt : DT_MAX_S;
}

static bool
send_frame(Link* const link, const ChainTick* const tick, const float ffb_in, const uint64_t now_ns)
{
  // A period after its tick is due, and as long after that as this one is sent after the tick's beginning: the plugins
  // before it take about as long every time.
  const uint64_t next_ns = tick->due_ns + RIG_PERIOD_NS + (now_ns - tick->began_ns);
  const FrameSlot frame = {
    .ffb_in       = ffb_in,
    .wheel_speed  = tick->wheel_speed,
    .timestamp_ns = tick->due_ns,
    .budget_us    = link->entry.budget_us,
    .sequence     = tick->sequence,
    .wheel_angle  = tick->wheel_angle,
    .dt           = seconds_since_last(link, tick->due_ns),
    .status       = tick->yield ? FRAME_YIELD : 0u,
    .reserved     = tick->expecting ? next_ns : 0u,
  };
  const RingStatus st = ring_push(&link->shared.to, &frame);
  if (st == RING_CORRUPT) { give_up(link); }
  if (st != RING_OK) { return false; }
  atomic_store_explicit(&link->count->under_way_ns, now_ns, memory_order_relaxed);
  doorbell_ring(&link->shared.to);
  link->sent_due_ns   = tick->due_ns;
  link->budget_end_ns = now_ns + (uint64_t)link->entry.budget_us * CLOCK_NS_PER_US;
  link->under_way     = tick->sequence;
  link->waiting       = true;
  count_up(&link->count->sent);
  return true;
}

/// The tick goes on without an answer. A plugin that had its time for it holds nobody up from here on; one that was cut
/// short by the end of the tick keeps its priority until then.
static float
pass_by(Link* const link, const uint64_t now_ns, const float ffb_in)
{
  if (link->waiting && now_ns >= link->budget_end_ns) { priority_take_back(&link->priority); }
  count_up(&link->count->missed_deadlines);
  return ffb_in;
}

float
link_step(Link* const link, const ChainTick* const tick, const float ffb_in)
{
  if (link->corrupt) { return ffb_in; }
  FrameSlot answer;

  // An answer that came after its tick: counted, too late to be used.
  if (take_answer(link, &answer)) { (void)account(link, &answer); }
  if (link->corrupt) { return ffb_in; }

  const uint64_t sent_ns = clock_now_ns();
  if (link->waiting || sent_ns >= tick->deadline_ns || !send_frame(link, tick, ffb_in, sent_ns)) {
    return pass_by(link, sent_ns, ffb_in);
  }

  const uint64_t until_ns = link->budget_end_ns < tick->deadline_ns ? link->budget_end_ns : tick->deadline_ns;
  if (!doorbell_wait(&link->shared.from, until_ns, tick->spin_ns) || !take_answer(link, &answer)) {
    return pass_by(link, clock_now_ns(), ffb_in);
  }
  histogram_record(&link->count->round_trip, clock_now_ns() - sent_ns);
  if (!account(link, &answer)) { return ffb_in; }
  return fmaxf(-RIG_TORQUE_SAID_NM, fminf(RIG_TORQUE_SAID_NM, answer.torque_out));
}
