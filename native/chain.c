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
/// The kernel charges a process with what interrupts it and with what the machine under a virtual one takes, which makes a
/// call seem long now and then. Two buckets are filled by long calls and run dry by one answer at a time; what is long is
/// the plugin's doing while one of them is over: more than one call in ten, after ten; or more than one in 2000 that took
/// twice the budget, after fifteen. Machines were seen to do the first to one in 270, and to one in 13 in a chain that does
/// not fit into its tick, and the second far less often (docs/decisions/0017).
#define OVER_OFTEN 10u
#define OVER_OFTEN_FULL (OVER_OFTEN * 10u)
#define OVER_TWICE 2000u
#define OVER_TWICE_FULL (OVER_TWICE * 15u)
/// A library that was not called for a millisecond finds the caches cold: what it takes then is more than a small budget,
/// and no plugin's doing. Nobody is charged for less than this.
#define CHARGED_FROM_NS 20000u
/// A sleeping process takes some time to answer, however little it computes: a small budget ends no wait before this.
#define ANSWER_MIN_NS 50000u
/// Over how long it is looked who computes for nobody, ns. A pause between two looks of twice as much says nothing.
#define WINDOW_NS (40u * CLOCK_NS_PER_MS)
/// The kernel adds to the CPU time of another process at the ticks of its own timer: 4 ms apart at 250 Hz, 10 ms at 100 Hz.
#define CPU_STEP_NS (10u * CLOCK_NS_PER_MS)
/// For each frame a process is awake 60 µs before it is expected and spins for it until 100 µs after (wheel-dsp.c).
#define AWAKE_NS 200000u
/// So many windows in succession are no accident: what a hypervisor takes from a spin is on its CPU clock as well.
#define IN_THE_WAY_WINDOWS 2u
#define BARRED_NS CLOCK_NS_PER_S
#define PERIOD_S 0.001f
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
  priority_take_back(&link->priority);
  // A new process of the same plugin may have the slot already.
  if (atomic_load_explicit(&link->count->instance, memory_order_relaxed) != link->entry.instance) { return; }
  atomic_store_explicit(&link->count->state, PLUGIN_CORRUPT, memory_order_relaxed);
}

static void
lend_again(Link* const link)
{
  if (link->priority.lent || clock_now_ns() < link->barred_until_ns) { return; }
  priority_lend(&link->priority);
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
      link->waiting  = false;
      link->answered = true;
      link->had_ns += clock_now_ns() - link->sent_ns;
      atomic_store_explicit(&link->count->under_way_ns, 0u, memory_order_relaxed);
      lend_again(link);
      return true;
    }
    // Frames are answered in their order, each once: after the first of ours nothing is left that another loop asked for.
    if (link->answered) {
      give_up(link);
      return false;
    }
  }
  return false;
}

static void
run_dry(uint64_t* const level, const uint64_t answers)
{
  *level = *level > answers ? *level - answers : 0u;
}

/// Counts an answer that spent too much, where that is no accident.
static void
account_over(Link* const link, const bool twice)
{
  const uint64_t number  = atomic_load_explicit(&link->count->executions, memory_order_relaxed);
  const uint64_t answers = number - link->over_at;
  run_dry(&link->over_often, answers);
  run_dry(&link->over_twice, answers);
  link->over_often += OVER_OFTEN;
  link->over_twice += twice ? OVER_TWICE : 0u;
  link->over_at = number;
  if (link->over_often > OVER_OFTEN_FULL || link->over_twice > OVER_TWICE_FULL) { count_up(&link->count->budget_violations); }
}

static uint64_t
larger(const uint64_t a, const uint64_t b)
{
  return a > b ? a : b;
}

static uint64_t
budget_ns_of(const Link* const link)
{
  return (uint64_t)link->entry.budget_us * CLOCK_NS_PER_US;
}

/// Counts an answer. True when its torque may be used: whatever it says of its budget, which is about the call before.
/// One that spends more than its budget is late by that much at least, and late answers are not used.
static bool
account(Link* const link, const FrameSlot* const answer)
{
  RigPlugin* const count = link->count;
  count_up(&count->executions);
  atomic_store_explicit(&count->last_result, answer->result, memory_order_relaxed);

  const uint64_t most_ns   = larger(budget_ns_of(link), CHARGED_FROM_NS);
  const bool     failed    = answer->result != 0;
  const bool     timed     = answer->status & FRAME_TIMED;
  const bool     over      = timed && answer->cpu_ns > most_ns;
  const bool     infinite  = !isfinite(answer->torque_out);
  if (timed) { histogram_record(&count->cpu, answer->cpu_ns); }
  if (failed) { count_up(&count->failures); }
  if (over) { account_over(link, answer->cpu_ns > 2u * most_ns); }
  if (infinite) { count_up(&count->non_finite); }
  return !failed && !infinite;
}

/// Before the first frame there was none: the time is what it will be.
static float
seconds_since_last(const Link* const link, const uint64_t due_ns, const uint32_t every)
{
  if (!link->sent_due_ns) { return PERIOD_S * (float)every; }
  const float dt = (float)(due_ns - link->sent_due_ns) * 1e-9f;
  return dt < DT_MAX_S ? dt : DT_MAX_S;
}

static bool
send_frame(Link* const link, const ChainTick* const tick, const uint32_t every, const float ffb_in, const uint64_t now_ns)
{
  // When the tick of its next turn is due, and as long after that as this one is sent after the tick's beginning: the plugins
  // before it take about as long every time.
  const uint64_t next_ns = tick->due_ns + every * (uint64_t)RIG_PERIOD_NS + (now_ns - tick->began_ns);
  const FrameSlot frame = {
    .ffb_in       = ffb_in,
    .wheel_speed  = tick->wheel_speed,
    .timestamp_ns = tick->due_ns,
    .budget_us    = link->entry.budget_us,
    .sequence     = tick->sequence,
    .wheel_angle  = tick->wheel_angle,
    .dt           = seconds_since_last(link, tick->due_ns, every),
    .status       = tick->yield ? FRAME_YIELD : 0u,
    .reserved     = tick->expecting ? next_ns : 0u,
  };
  const RingStatus st = ring_push(&link->shared.to, &frame);
  if (st == RING_CORRUPT) { give_up(link); }
  if (st != RING_OK) { return false; }
  atomic_store_explicit(&link->count->under_way_ns, now_ns, memory_order_relaxed);
  doorbell_ring(&link->shared.to);
  link->sent_ns       = now_ns;
  link->sent_due_ns   = tick->due_ns;
  link->budget_end_ns = now_ns + larger(budget_ns_of(link), ANSWER_MIN_NS);
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

/// The plugins before this one used the tick up. It is told that there is a loop, so that it stays.
static float
leave_out(Link* const link, const float ffb_in)
{
  count_up(&link->count->left_out);
  count_up(&link->count->missed_deadlines);
  count_up(&link->shared.report->left_out);
  return ffb_in;
}

/// Turns of one rate are in the same ticks, and those of a slower one among those of a faster: a force passes through all of
/// them at once, and who changes its rate keeps its place in time.
static bool
is_turn(const ChainTick* const tick, const uint32_t every)
{
  return every && tick->sequence % every == 0u;
}

/// Nothing is asked of it in this tick. What it answered last stands; a frame that it has all the same has cost it its priority
/// when its time is over.
static float
between_turns(Link* const link, const uint32_t every, const float ffb_in)
{
  if (link->waiting && clock_now_ns() >= link->budget_end_ns) { priority_take_back(&link->priority); }
  if (every) { return link->holds ? link->held_nm : ffb_in; }
  link->holds = false;
  count_up(&link->shared.report->left_out);
  return ffb_in;
}

static Usage
usage_of(const Link* const link, const uint64_t now_ns)
{
  return (Usage){
    .at_ns  = now_ns,
    .cpu_ns = priority_cpu_ns(&link->priority),
    .had_ns = link->had_ns + (link->waiting ? now_ns - link->sent_ns : 0u),
    .sent   = atomic_load_explicit(&link->count->sent, memory_order_relaxed),
  };
}

/// Its frames account for less CPU time than it used. The one before the window may be a reason to be awake, too.
static bool
computes_for_nobody(const Usage* const before, const Usage* const now)
{
  const uint64_t asked_ns = now->had_ns - before->had_ns + (now->sent - before->sent + 1u) * AWAKE_NS;
  return now->cpu_ns > before->cpu_ns + asked_ns + CPU_STEP_NS;
}

static void
bar(Link* const link, const uint64_t now_ns)
{
  link->in_way          = 0u;
  link->barred_until_ns = now_ns + BARRED_NS;
  priority_take_back(&link->priority);
  count_up(&link->count->in_the_way);
}

static void
look(Link* const link, const uint64_t now_ns)
{
  const uint64_t age_ns = now_ns - link->window.at_ns;
  if (link->corrupt || age_ns < WINDOW_NS) { return; }
  const Usage now   = usage_of(link, now_ns);
  const bool  known = age_ns <= 2u * WINDOW_NS;
  link->in_way      = known && link->priority.lent && computes_for_nobody(&link->window, &now) ? link->in_way + 1u : 0u;
  link->window      = now;
  if (link->in_way >= IN_THE_WAY_WINDOWS) { bar(link, now_ns); }
}

void
chain_clear_way(Link* const* const links, const uint32_t count)
{
  const uint64_t now_ns = clock_now_ns();
  for (uint32_t i = 0u; i < count; ++i) { look(links[i], now_ns); }
}

float
link_step(Link* const link, ChainTick* const tick, const uint32_t every, const float ffb_in)
{
  if (link->corrupt) { return ffb_in; }
  FrameSlot answer;

  // An answer that came after its tick: counted, too late to be used.
  if (take_answer(link, &answer)) { (void)account(link, &answer); }
  if (link->corrupt) { return ffb_in; }
  if (!is_turn(tick, every)) { return between_turns(link, every, ffb_in); }

  link->holds            = false;
  const uint64_t sent_ns = clock_now_ns();
  if (!link->waiting && sent_ns >= tick->deadline_ns) { return leave_out(link, ffb_in); }
  if (link->waiting || !send_frame(link, tick, every, ffb_in, sent_ns)) {
    return pass_by(link, sent_ns, ffb_in);
  }

  const uint64_t until_ns = link->budget_end_ns < tick->deadline_ns ? link->budget_end_ns : tick->deadline_ns;
  if (!doorbell_wait(&link->shared.from, until_ns, tick->spin_ns) || !take_answer(link, &answer)) {
    if (tick->count > 1u) { chain_clear_way(tick->links, tick->count); }
    return pass_by(link, clock_now_ns(), ffb_in);
  }
  histogram_record(&link->count->round_trip, clock_now_ns() - sent_ns);
  if (!account(link, &answer)) { return ffb_in; }
  link->held_nm = fmaxf(-RIG_TORQUE_SAID_NM, fminf(RIG_TORQUE_SAID_NM, answer.torque_out));
  link->holds   = true;
  return link->held_nm;
}
