;; Two hundred lines in each call: far more than the rate lets through, and far less than a tick of 5 ms.
(import "env" "log_error" (func $log (param i32 i32)))
(data (i32.const 64) "flood")
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (local $left i32)
  (local.set $left (i32.const 200))
  (loop $again
    (call $log (i32.const 64) (i32.const 5))
    (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (i32.const 0))
