/// The simulated wheel. Bounds come from the model's own numbers.
#include "../rig.h"
#include "../wheel.h"
#include "check.h"

#include <float.h>
#include <math.h>

#define TICK_S ((float)RIG_PERIOD_NS * 1e-9f)
#define SECOND 1000 ///< ticks

static void
run(Wheel* const wheel, const WheelModel* const model, const float torque_nm, const float wanted_rad, const int ticks)
{
  for (int i = 0; i < ticks; ++i) { wheel_step(wheel, model, torque_nm, wanted_rad, TICK_S); }
}

static void
settles(void)
{
  const WheelModel* const m = &WHEEL_DIRECT_DRIVE;
  for (float wanted = -7.0f; wanted <= 7.0f; wanted += 0.7f) {
    Wheel wheel = {0.0f, 0.0f};
    run(&wheel, m, 0.0f, wanted, 5 * SECOND);
    CHECK(fabsf(wheel.speed_rad_s) == 0.0f);
    // Friction may hold it where the arms' spring is weaker.
    CHECK(fabsf(wheel.angle_rad - wanted) <= m->friction_nm / m->hands_nm_rad + 1e-4f);
  }
}

static void
friction_holds(void)
{
  const WheelModel* const m     = &WHEEL_DIRECT_DRIVE;
  Wheel                   wheel = {0.0f, 0.0f};
  run(&wheel, m, 0.99f * m->friction_nm, 0.0f, SECOND);
  CHECK(wheel.angle_rad == 0.0f && wheel.speed_rad_s == 0.0f);
  run(&wheel, m, -0.99f * m->friction_nm, 0.0f, SECOND);
  CHECK(wheel.angle_rad == 0.0f && wheel.speed_rad_s == 0.0f);
  run(&wheel, m, 1.5f * m->friction_nm, 0.0f, SECOND);
  CHECK(wheel.angle_rad > 0.0f);
}

static void
end_stop_holds(void)
{
  // No hands: the stop is alone against the motor, and may give what its stiffness gives.
  WheelModel m   = WHEEL_DIRECT_DRIVE;
  m.hands_nm_rad = m.hands_nm_s = 0.0f;
  const float give = RIG_TORQUE_MAX_NM / m.stop_nm_rad;
  for (float side = -1.0f; side <= 1.0f; side += 2.0f) {
    Wheel wheel = {side * m.half_range_rad, 0.0f};
    for (int i = 0; i < 5 * SECOND; ++i) {
      wheel_step(&wheel, &m, side * RIG_TORQUE_MAX_NM, 0.0f, TICK_S);
      CHECK(fabsf(wheel.angle_rad) <= m.half_range_rad + 2.0f * give); // a spring overshoots by its deflection at most
    }
    CHECK(fabsf(fabsf(wheel.angle_rad) - m.half_range_rad - give) <= 0.01f && fabsf(wheel.speed_rad_s) < 0.01f);
  }
}

static void
hands_stop_at_the_stop(void)
{
  static const float wanted[] = {100.0f, 1e6f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY};
  const WheelModel* const m   = &WHEEL_DIRECT_DRIVE;
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; ++i) {
    Wheel wheel = {0.0f, 0.0f};
    run(&wheel, m, 0.0f, wanted[i], 5 * SECOND);
    CHECK(fabsf(wheel.angle_rad - copysignf(m->half_range_rad, wanted[i])) < 0.01f);
    run(&wheel, m, 0.0f, 0.0f, 5 * SECOND);
    CHECK(fabsf(wheel.angle_rad) < 0.01f);
  }
}

static void
absurd_state_is_left(void)
{
  static const Wheel states[] = {{FLT_MAX, 0.0f}, {0.0f, -FLT_MAX}, {-FLT_MAX, FLT_MAX}, {NAN, 0.0f}, {0.0f, INFINITY}, {1e30f, -1e30f}};
  for (size_t i = 0; i < sizeof states / sizeof *states; ++i) {
    Wheel wheel = states[i];
    run(&wheel, &WHEEL_DIRECT_DRIVE, 0.0f, 0.0f, 20 * SECOND);
    CHECK(fabsf(wheel.angle_rad) < 0.01f && fabsf(wheel.speed_rad_s) < 0.01f);
  }
}

/// Kinetic energy and what is in the arms' spring and the stops', J.
static float
energy(const Wheel* const wheel, const WheelModel* const m, const float wanted_rad)
{
  const float off    = wheel->angle_rad - wanted_rad;
  const float beyond = fmaxf(0.0f, fabsf(wheel->angle_rad) - m->half_range_rad);
  return 0.5f * (m->inertia_kg_m2 * wheel->speed_rad_s * wheel->speed_rad_s + m->hands_nm_rad * off * off +
                 m->stop_nm_rad * beyond * beyond);
}

static void
energy_does_not_grow(void)
{
  const WheelModel* const m      = &WHEEL_DIRECT_DRIVE;
  uint64_t                random = 1u;
  for (int i = 0; i < 300; ++i) {
    const float wanted = (float)check_below(&random, 1500u) * 0.01f - 7.5f;
    Wheel       wheel  = {(float)check_below(&random, 1600u) * 0.01f - 8.0f, (float)check_below(&random, 400u) * 0.1f - 20.0f};
    // Semi-implicit Euler swaps up to ω·dt/2 of a spring's energy within a period; ω² = (12 + 60) / 0.03: 2.5 %.
    float most = energy(&wheel, m, wanted) * 1.025f;
    for (int part = 0; part < 30; ++part) {
      float seen = 0.0f;
      for (int tick = 0; tick < SECOND / 10; ++tick) {
        wheel_step(&wheel, m, 0.0f, wanted, TICK_S);
        seen = fmaxf(seen, energy(&wheel, m, wanted));
      }
      CHECK(seen <= most);
      most = seen * 1.025f;
    }
    CHECK(most < 0.01f);
  }
}

static void
stable_for_any_torque(void)
{
  const WheelModel* const m      = &WHEEL_DIRECT_DRIVE;
  uint64_t                random = 2u;
  Wheel                   wheel  = {0.0f, 0.0f};
  for (int i = 0; i < 500000; ++i) {
    // Torque that pushes the way the wheel goes anyway puts the most energy in; the rest is chance.
    const float any    = (float)check_below(&random, 5001u) * 0.01f - RIG_TORQUE_MAX_NM;
    const float torque = check_below(&random, 3u) ? copysignf(RIG_TORQUE_MAX_NM, wheel.speed_rad_s) : any;
    const float wanted = check_below(&random, 2u) ? 100.0f : -100.0f;
    wheel_step(&wheel, m, torque, wanted, check_below(&random, 4u) ? TICK_S : (float)check_below(&random, 30u) * TICK_S);
    // All of the motor's and the arms' torque over the whole range, into speed alone and into the stop alone.
    const float most = 2.0f * m->half_range_rad * (RIG_TORQUE_MAX_NM + m->hands_nm_rad * 2.0f * m->half_range_rad);
    CHECK(wheel.speed_rad_s * wheel.speed_rad_s * m->inertia_kg_m2 * 0.5f <= most);
    const float beyond = fmaxf(0.0f, fabsf(wheel.angle_rad) - m->half_range_rad);
    CHECK(0.5f * m->stop_nm_rad * beyond * beyond <= most);
  }
}

int
main(void)
{
  static const Test tests[] = {
    {"the wheel settles at the angle that the hands want", settles},
    {"friction holds a wheel at rest against less torque than its own", friction_holds},
    {"an end stop holds against the strongest motor", end_stop_holds},
    {"hands that want an absurd angle turn the wheel to the stop, and it comes back", hands_stop_at_the_stop},
    {"a wheel in a state that cannot be comes back to rest", absurd_state_is_left},
    {"a wheel without torque loses its energy and never gains any", energy_does_not_grow},
    {"no torque within ±25 N·m and no lost tick makes the wheel run away", stable_for_any_torque},
  };
  return RUN("wheel_test", tests);
}
