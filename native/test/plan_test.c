/// What the loop works by: bounded, and handed over whole.
#include "../plan.h"
#include "check.h"
#include "shm_directory.h"

#include <math.h>
#include <sched.h>

typedef struct {
  ShmDirectory directory;
  RigStatus*   status;
} Rig;

static Rig
rig(void)
{
  const Rig self = {.directory = shm_directory(), .status = calloc(1, sizeof(RigStatus))};
  NEED(self.status);
  return self;
}

static void
clear(Rig* const self)
{
  shm_remove(&self->directory);
  free(self->status);
}

static void
add_segment(const Rig* const self, const uint32_t instance)
{
  char name[32];
  snprintf(name, sizeof name, "plugin-%u", (unsigned)instance);
  NEED(plugin_segment_create(shm_path(&self->directory, name).path) == 0);
}

static Plan*
build(const Rig* const self, const RigControl* const control, const Plan* const previous)
{
  Plan* const plan = plan_build(control, previous, self->directory.path, self->status);
  NEED(plan);
  return plan;
}

static uint32_t
state(const Rig* const self, const uint32_t slot)
{
  return atomic_load(&self->status->plugins[slot].state);
}

/// Not what the machine has, but what a container or a cpuset leaves to us.
static void
one_core_is_slept_on(void)
{
  Rig              self    = rig();
  const RigControl control = {.waiting = WAITING_PREDICTIVE};
  cpu_set_t        all;
  NEED(sched_getaffinity(0, sizeof all, &all) == 0);
  Plan* const free_plan = build(&self, &control, NULL);
  CHECK(free_plan->waiting == (CPU_COUNT(&all) > 1 ? WAITING_PREDICTIVE : WAITING_FUTEX));

  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((size_t)sched_getcpu(), &one);
  NEED(sched_setaffinity(0, sizeof one, &one) == 0);
  Plan* const bound = build(&self, &control, NULL);
  CHECK(bound->waiting == WAITING_FUTEX);
  NEED(sched_setaffinity(0, sizeof all, &all) == 0);
  plan_release(free_plan, NULL);
  plan_release(bound, NULL);
  clear(&self);
}

static void
limits_are_bounded(void)
{
  static const struct {
    RigControl control;
    float      gain;
    float      torque;
    float      slew;
  } cases[] = {
    {{.gain = 0.5f, .max_torque_nm = 5.0f, .max_slew_nm_per_s = 900.0f}, 0.5f, 5.0f, 900.0f},
    {{.gain = 2.0f, .max_torque_nm = 1e9f, .max_slew_nm_per_s = 1e9f, .assent = 1u}, 1.0f, 25.0f, 1e6f},
    {{.gain = 2.0f, .max_torque_nm = 1e9f, .max_slew_nm_per_s = 1e9f}, 1.0f, 5.0f, 1e6f},
    {{.gain = 1.0f, .max_torque_nm = 5.1f, .max_slew_nm_per_s = 900.0f, .assent = 2u}, 1.0f, 5.0f, 900.0f},
    {{.gain = -1.0f, .max_torque_nm = -1.0f, .max_slew_nm_per_s = -1.0f}, 0.0f, 0.0f, 0.0f},
    {{.gain = NAN, .max_torque_nm = NAN, .max_slew_nm_per_s = NAN}, 0.0f, 0.0f, 0.0f},
    {{.gain = INFINITY, .max_torque_nm = INFINITY, .max_slew_nm_per_s = INFINITY}, 0.0f, 0.0f, 0.0f},
    {{.gain = 1.0f, .max_torque_nm = 10.0f, .max_slew_nm_per_s = 0.0f, .assent = 1u}, 1.0f, 10.0f, 200.0f}, // 10 N·m in 50 ms
    {{.gain = 1.0f, .max_torque_nm = 10.0f, .max_slew_nm_per_s = NAN, .assent = 1u}, 1.0f, 10.0f, 200.0f},
  };
  Rig self = rig();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    Plan* const plan = build(&self, &cases[i].control, NULL);
    CHECK(plan->gain == cases[i].gain);
    CHECK(plan->limits.max_torque_nm == cases[i].torque);
    CHECK(fabsf(plan->limits.max_slew_nm_per_s - cases[i].slew) <= 1e-3f);
    plan_release(plan, NULL);
  }
  clear(&self);
}

static void
any_bits_make_a_sane_plan(void)
{
  Rig      self   = rig();
  uint64_t random = 1u;
  add_segment(&self, 0u);
  for (int i = 0; i < 20000; ++i) {
    RigControl control;
    for (size_t at = 0; at < sizeof control; at += 8u) {
      const uint64_t word = check_random(&random);
      memcpy((uint8_t*)&control + at, &word, sizeof word);
    }
    control.chain[0].instance = check_below(&random, 2u);
    Plan* const plan          = build(&self, &control, NULL);
    CHECK(plan->gain >= 0.0f && plan->gain <= 1.0f);
    CHECK(plan->limits.max_torque_nm >= 0.0f && plan->limits.max_torque_nm <= RIG_TORQUE_MAX_NM);
    CHECK(plan->limits.max_slew_nm_per_s >= plan->limits.max_torque_nm / 0.0501f && plan->limits.max_slew_nm_per_s <= 1e6f);
    CHECK(plan->device == DEVICE_NONE || plan->device == DEVICE_SIMULATED);
    CHECK(plan->count <= 1u);
    plan_release(plan, NULL);
  }
  clear(&self);
}

static void
hostile_chains(void)
{
  Rig        self    = rig();
  RigControl control = {.chain_count = 4000000000u};
  for (uint32_t i = 0; i < RIG_CHAIN_MAX; ++i) {
    control.chain[i] = (ControlEntry){.slot = i, .life = 1u, .instance = i};
    add_segment(&self, i);
  }
  Plan* const all = build(&self, &control, NULL);
  CHECK(all->count == RIG_CHAIN_MAX);
  plan_release(all, NULL);

  control.chain_count       = 4u;
  control.chain[0].slot     = 99u;
  control.chain[2].instance = 1u;  // the second one again
  control.chain[3].instance = 77u; // there is none
  Plan* const one           = build(&self, &control, NULL);
  CHECK(one->count == 1u && one->links[0]->entry.instance == 1u && one->links[0]->entry.slot == 1u);
  CHECK(state(&self, 1u) == PLUGIN_ATTACHED && state(&self, 3u) == PLUGIN_UNREADABLE);
  plan_release(one, NULL);
  CHECK(state(&self, 1u) == PLUGIN_DETACHED && state(&self, 3u) == PLUGIN_UNREADABLE);
  clear(&self);
}

static void
handover_keeps_links(void)
{
  Rig self = rig();
  add_segment(&self, 1u);
  add_segment(&self, 2u);
  RigControl  control = {.chain_count = 1u, .chain = {{.slot = 0u, .life = 1u, .instance = 1u}}};
  Plan* const first   = build(&self, &control, NULL);
  Link* const link    = first->links[0];

  control.chain_count = 2u;
  control.chain[1]    = control.chain[0];
  control.chain[0]    = (ControlEntry){.slot = 1u, .life = 2u, .instance = 2u};
  Plan* const second  = build(&self, &control, first);
  CHECK(second->count == 2u && second->links[1] == link && second->links[0] != link);
  CHECK(!first->other_chain && second->other_chain); // there was none to lead over from; there is one now
  plan_release(first, second);
  CHECK(link->shared.segment.memory && state(&self, 0u) == PLUGIN_ATTACHED && state(&self, 1u) == PLUGIN_ATTACHED);

  control.gain       = 0.5f;
  Plan* const same   = build(&self, &control, second);
  CHECK(!same->other_chain);
  plan_release(second, same);

  control.chain_count = 1u; // only the newer one stays
  Plan* const third   = build(&self, &control, same);
  CHECK(third->other_chain);
  plan_release(same, third);
  CHECK(third->count == 1u && third->links[0]->entry.instance == 2u);
  CHECK(state(&self, 0u) == PLUGIN_DETACHED && state(&self, 1u) == PLUGIN_ATTACHED);
  plan_release(third, NULL);
  CHECK(state(&self, 1u) == PLUGIN_DETACHED);
  plan_release(NULL, NULL);
  clear(&self);
}

static void
rates_of_a_chain(void)
{
  Rig self = rig();
  add_segment(&self, 1u);
  static const uint32_t asked[]   = {0u, 1u, 2u, 4u, 3u, 8u, UINT32_MAX};
  static const uint32_t planned[] = {0u, 1u, 2u, 4u, 1u, 1u, 1u};
  RigControl            control   = {.chain_count = 1u, .chain = {{.life = 1u, .instance = 1u, .every = 1u}}};
  Plan*                 before    = build(&self, &control, NULL);
  Link* const           link      = before->links[0];
  for (size_t i = 0; i < sizeof asked / sizeof *asked; ++i) {
    control.chain[0].every = asked[i];
    Plan* const plan       = build(&self, &control, before);
    CHECK(plan->every[0] == planned[i] && plan->links[0] == link);
    CHECK(plan->other_chain == (!planned[i] != !before->every[0])); // torque is led over to and from one that is not called
    plan_release(before, plan);
    before = plan;
  }
  plan_release(before, NULL);
  clear(&self);
}

static void
restarted_process_keeps_counters(void)
{
  Rig self = rig();
  add_segment(&self, 1u);
  add_segment(&self, 2u);
  RigControl  control = {.chain_count = 1u, .chain = {{.slot = 5u, .life = 1u, .instance = 1u}}};
  Plan* const first   = build(&self, &control, NULL);
  atomic_store(&self.status->plugins[5].failures, 3u);
  control.chain[0].instance = 2u;
  Plan* const second        = build(&self, &control, first);
  plan_release(first, second);
  CHECK(second->links[0]->entry.instance == 2u && atomic_load(&self.status->plugins[5].failures) == 3u);
  CHECK(state(&self, 5u) == PLUGIN_ATTACHED); // and not detached with the process that was replaced
  plan_release(second, NULL);
  clear(&self);
}

static void
slot_goes_to_another_plugin(void)
{
  Rig self = rig();
  add_segment(&self, 1u);
  add_segment(&self, 2u);
  RigControl  control = {.chain_count = 1u, .chain = {{.slot = 0u, .life = 1u, .instance = 1u}}};
  Plan* const first   = build(&self, &control, NULL);
  atomic_store(&self.status->plugins[0].failures, 3u);

  // The loop still counts for the first plugin while this is built, so its slot is left alone.
  control.chain[0]   = (ControlEntry){.slot = 0u, .life = 2u, .instance = 2u};
  Plan* const second = build(&self, &control, first);
  CHECK(second->again && second->count == 0u && atomic_load(&self.status->plugins[0].life) == 1u);
  CHECK(atomic_load(&self.status->plugins[0].failures) == 3u);
  plan_release(first, second);

  Plan* const third = build(&self, &control, second);
  CHECK(!third->again && third->count == 1u && atomic_load(&self.status->plugins[0].life) == 2u);
  CHECK(atomic_load(&self.status->plugins[0].failures) == 0u);
  plan_release(second, third);

  control.chain_count = 2u; // two plugins in one slot: the first place counts
  control.chain[1]    = (ControlEntry){.slot = 0u, .life = 3u, .instance = 1u};
  Plan* const fourth  = build(&self, &control, third);
  CHECK(!fourth->again && fourth->count == 1u && fourth->links[0] == third->links[0]);
  plan_release(third, fourth);
  plan_release(fourth, NULL);
  clear(&self);
}

static void
pick_up(void)
{
  Plan         plan     = {.gain = 1.0f};
  PlanHandover handover = {.wanted = &plan};
  CHECK(plan_pick_up(&handover) == &plan && atomic_load(&handover.in_use) == &plan);
}

int
main(void)
{
  static const Test tests[] = {
    {"no control asks for more than the rig may give", limits_are_bounded},
    {"where one core is left to it the loop does not spin for answers", one_core_is_slept_on},
    {"any bits at all make a plan within the bounds", any_bits_make_a_sane_plan},
    {"a chain that is too long, doubled, out of range or without a segment is cut to what there is", hostile_chains},
    {"a plugin that stays keeps its link, one that goes is detached", handover_keeps_links},
    {"a plugin whose rate changes keeps its link, and one that is called no more or again is another chain", rates_of_a_chain},
    {"a plugin whose process was started again keeps its counters", restarted_process_keeps_counters},
    {"a slot that goes to another plugin is emptied only when the loop has let go of it", slot_goes_to_another_plugin},
    {"the loop says which plan it uses", pick_up},
  };
  return RUN("plan_test", tests);
}
