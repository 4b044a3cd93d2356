;; Takes all the memory that it may have, and asks for more. Fails unless it gets -1 and what it had before.
(memory (export "memory") 1)
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (if (i32.ne (memory.grow (i32.const 100000)) (i32.const -1)) (then (return (i32.const -10))))
  (if (i32.eq (memory.size) (i32.const 1))
    (then (if (i32.ne (memory.grow (i32.const 255)) (i32.const 1)) (then (return (i32.const -11))))))
  (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const -12))))
  (i32.sub (memory.size) (i32.const 256)))
