;; Makes objects of the engine's heap and lets them go: what a language with a garbage collector does.
(rec
  (type $leaf (sub (struct (field i32))))
  (type $tree (sub final $leaf (struct (field i32) (field (ref null $leaf))))))
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (i32.sub (struct.get $leaf 0 (struct.new $tree (i32.const 7) (struct.new $leaf (i32.const 1)))) (i32.const 7)))
