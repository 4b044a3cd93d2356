/// @file wheel.h
/// A simulated wheel: a rim on a motor shaft, held by a driver's hands.
///
///   J·a = torque + hands - b·w - friction·sign(w) - stops
///
/// The hands are a spring and damper towards the angle that the driver wants; the
/// end stops are a stiff spring and damper beyond the half range.
#ifndef OPENRACING_WHEEL_H
#define OPENRACING_WHEEL_H

typedef struct {
  float inertia_kg_m2;
  float damping_nm_s;   ///< N·m per rad/s
  float friction_nm;    ///< Coulomb friction
  float half_range_rad; ///< From centre to an end stop
  float stop_nm_rad;    ///< Stiffness of an end stop
  float stop_nm_s;      ///< Damping of an end stop, N·m per rad/s
  float hands_nm_rad;   ///< Stiffness of the driver's arms
  float hands_nm_s;     ///< Damping of the driver's arms, N·m per rad/s
} WheelModel;

typedef struct {
  float angle_rad;   ///< Right positive
  float speed_rad_s; ///< Right positive
} Wheel;

/// A direct-drive base with a 30 cm rim and ±450°. Inertia and friction are of the order that makers of
/// such bases publish; the arms' stiffness and damping are those of a relaxed grip: Pick & Cole,
/// "Neuromuscular dynamics and the vehicle steering task" (2004), found 3 to 60 N·m/rad.
extern const WheelModel WHEEL_DIRECT_DRIVE;

/// Real-time. Advances by `dt_s` (0 to 0.01; more is taken as 0.01, beyond which the model would not be stable).
/// The hands want no angle beyond an end stop: a larger `wanted_angle_rad` is taken as the stop's. A state that leaves
/// the floats is put back to rest in the centre.
void wheel_step(Wheel* wheel, const WheelModel* model, float torque_nm, float wanted_angle_rad, float dt_s);

#endif
