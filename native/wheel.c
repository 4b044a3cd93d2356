#include "wheel.h"

#include <math.h>

const WheelModel WHEEL_DIRECT_DRIVE = {
  .inertia_kg_m2  = 0.03f,
  .damping_nm_s   = 0.05f,
  .friction_nm    = 0.08f,
  .half_range_rad = 7.854f, // 450°
  .stop_nm_rad    = 60.0f,
  .stop_nm_s      = 1.0f,
  .hands_nm_rad   = 12.0f,
  .hands_nm_s     = 0.6f,
};

static float
stop_torque(const WheelModel* const model, const Wheel* const wheel)
{
  const float beyond = fabsf(wheel->angle_rad) - model->half_range_rad;
  if (beyond <= 0.0f) { return 0.0f; }
  const float side = wheel->angle_rad > 0.0f ? 1.0f : -1.0f;
  return -side * model->stop_nm_rad * beyond - model->stop_nm_s * wheel->speed_rad_s;
}

void
wheel_step(Wheel* const wheel, const WheelModel* const model, const float torque_nm, const float wanted_angle_rad,
           const float dt_s)
{
  const float dt     = dt_s > 0.01f ? 0.01f : dt_s;
  const float wanted = fmaxf(-model->half_range_rad, fminf(model->half_range_rad, wanted_angle_rad));
  const float hands  = model->hands_nm_rad * (wanted - wheel->angle_rad) - model->hands_nm_s * wheel->speed_rad_s;
  const float net    = torque_nm + hands + stop_torque(model, wheel) - model->damping_nm_s * wheel->speed_rad_s;
  float       speed  = wheel->speed_rad_s + net / model->inertia_kg_m2 * dt;

  // Coulomb friction takes speed away but never turns it round: a wheel at rest stays at rest below it.
  const float loss = model->friction_nm / model->inertia_kg_m2 * dt;
  speed            = fabsf(speed) <= loss ? 0.0f : speed - copysignf(loss, speed);

  // Semi-implicit Euler: the new speed moves the angle, which keeps a spring from gaining energy.
  wheel->speed_rad_s = speed;
  wheel->angle_rad += speed * dt;
  // The state may have come with an input frame. One that no wheel can be in would stay out of the numbers for good.
  if (!isfinite(wheel->angle_rad) || !isfinite(wheel->speed_rad_s)) { *wheel = (Wheel){0.0f, 0.0f}; }
}
