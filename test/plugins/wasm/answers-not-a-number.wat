;; A force that is not finite. ffb_scalar is at 16.
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (f32.store offset=16 (local.get $telemetry) (f32.const nan))
  (i32.const 1))
