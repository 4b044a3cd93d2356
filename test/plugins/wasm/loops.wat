;; A call that never ends.
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (loop $again (br $again))
  (unreachable))
