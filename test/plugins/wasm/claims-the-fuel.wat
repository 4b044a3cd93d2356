;; Exports a global by the name that the fuel has, and sees that it is always full.
(global $full (export "openracing_fuel") (mut i64) (i64.const 0x7fffffffffffffff))
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (loop $again (global.set $full (i64.const 0x7fffffffffffffff)) (br $again))
  (unreachable))
