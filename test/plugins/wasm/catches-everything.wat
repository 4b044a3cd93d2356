;; Catches whatever ends it, and goes on. What runs out of fuel cannot be caught.
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (loop $again
    (try (do (loop $inner (br $inner))) (catch_all))
    (br $again))
  (unreachable))
