#include "plan.h"

#include "realtime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static float
bounded(const float value, const float low, const float high)
{
  if (!isfinite(value) || value < low) { return low; }
  return value > high ? high : value;
}

static SafetyLimits
limits_of(const RigControl* const control)
{
  SafetyLimits limits;
  const float most     = control->assent == 1u ? RIG_TORQUE_MAX_NM : RIG_TORQUE_ASSENT_NM;
  limits.max_torque_nm = bounded(control->max_torque_nm, 0.0f, most);
  // A slew limit below this could not fade full torque out within the fade's 50 ms.
  const float slew_min     = limits.max_torque_nm / ((float)SAFETY_FADE_NS * 1e-9f);
  limits.max_slew_nm_per_s = bounded(control->max_slew_nm_per_s, slew_min, 1e6f);
  return limits;
}

static Link*
find(const Plan* const plan, const uint32_t instance)
{
  for (uint32_t i = 0u; plan && i < plan->count; ++i) {
    if (plan->links[i]->entry.instance == instance) { return plan->links[i]; }
  }
  return NULL;
}

static bool
holds(const Plan* const plan, const Link* const link)
{
  for (uint32_t i = 0u; plan && i < plan->count; ++i) {
    if (plan->links[i] == link) { return true; }
  }
  return false;
}

/// The same plugins in the same order, and the same of them are called, at whatever rate.
static bool
same_chain(const Plan* const a, const Plan* const b)
{
  if (a->count != b->count) { return false; }
  for (uint32_t i = 0u; i < a->count; ++i) {
    if (a->links[i] != b->links[i] || !a->every[i] != !b->every[i]) { return false; }
  }
  return true;
}

static uint32_t
every_of(const ControlEntry entry)
{
  const bool known = entry.every == 0u || entry.every == 2u || entry.every == RIG_EVERY_MAX;
  return known ? entry.every : 1u;
}

/// Whether a plugin of `plan` counts in the entry's slot, under another life.
static bool
slot_taken(const Plan* const plan, const ControlEntry entry)
{
  for (uint32_t i = 0u; plan && i < plan->count; ++i) {
    const ControlEntry other = plan->links[i]->entry;
    if (other.slot == entry.slot && other.life != entry.life) { return true; }
  }
  return false;
}

/// The loop does not write these counters now: the slot's previous plugin is in no plan.
static void
begin_life(RigPlugin* const count, const ControlEntry entry)
{
  if (atomic_load(&count->life) == entry.life) { return; }
  memset(count, 0, sizeof *count);
  atomic_store(&count->life, entry.life);
}

static Link*
open_link(const ControlEntry entry, const char* const directory, RigStatus* const status)
{
  if (entry.slot >= RIG_CHAIN_MAX) { return NULL; }
  Link* const link = calloc(1, sizeof *link);
  if (!link) { return NULL; }

  RigPlugin* const count = &status->plugins[entry.slot];
  begin_life(count, entry);
  atomic_store(&count->instance, entry.instance);
  atomic_store(&count->under_way_ns, 0u);
  const bool open = link_open(link, directory, entry, count) == 0;
  atomic_store(&count->state, open ? PLUGIN_ATTACHED : PLUGIN_UNREADABLE);
  if (open) { return link; }
  free(link);
  return NULL;
}

Plan*
plan_build(const RigControl* const control, const Plan* const previous, const char* const directory,
           RigStatus* const status)
{
  Plan* const plan = calloc(1, sizeof *plan);
  if (!plan) { return NULL; }
  plan->limits = limits_of(control);
  plan->gain   = bounded(control->gain, 0.0f, 1.0f);
  plan->device = control->device == DEVICE_SIMULATED ? DEVICE_SIMULATED : DEVICE_NONE;
  // Where there is one core, whoever spins keeps the other from answering.
  plan->waiting = control->waiting == WAITING_PREDICTIVE && realtime_has_cores() ? WAITING_PREDICTIVE : WAITING_FUTEX;

  const uint32_t count = control->chain_count < RIG_CHAIN_MAX ? control->chain_count : RIG_CHAIN_MAX;
  for (uint32_t i = 0u; i < count; ++i) {
    const ControlEntry entry = control->chain[i];
    if (find(plan, entry.instance) || slot_taken(plan, entry)) { continue; } // named twice: its first place counts
    Link* const kept = find(previous, entry.instance);
    if (!kept && slot_taken(previous, entry)) {
      plan->again = true;
      continue;
    }
    Link* const link = kept ? kept : open_link(entry, directory, status);
    if (!link) { continue; }
    plan->every[plan->count] = every_of(entry);
    plan->links[plan->count] = link;
    plan->count += 1u;
  }
  plan->other_chain = previous && !same_chain(plan, previous);
  return plan;
}

void
plan_release(Plan* const plan, const Plan* const next)
{
  for (uint32_t i = 0u; plan && i < plan->count; ++i) {
    Link* const link = plan->links[i];
    if (holds(next, link)) { continue; }
    // A new process of the same plugin may have the slot already.
    uint32_t ours = link->entry.instance;
    if (atomic_load(&link->count->instance) == ours) { atomic_store(&link->count->state, PLUGIN_DETACHED); }
    link_close(link);
    free(link);
  }
  free(plan);
}

Plan*
plan_pick_up(PlanHandover* const handover)
{
  Plan* const plan = atomic_load_explicit(&handover->wanted, memory_order_acquire);
  atomic_store_explicit(&handover->in_use, plan, memory_order_release);
  return plan;
}
