(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (i32.trunc_f32_s (f32.div (f32.const 0) (f32.convert_i32_u (i32.shr_u (local.get $op) (i32.const 31))))))
