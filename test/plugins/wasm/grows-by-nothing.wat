;; Asks again and again for no memory at all: few instructions, each of which takes long.
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (loop $again (drop (memory.grow (i32.const 0))) (br $again))
  (unreachable))
