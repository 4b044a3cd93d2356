;; Waits for another thread, which it has not.
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
