;; Each instruction writes 16 MiB.
(memory (export "memory") 256)
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $again))
  (unreachable))
