;; Keeps more and more objects, which are in the engine's heap and not in its memory.
(type $bytes (array (mut i64)))
(type $node (struct (field (ref $bytes)) (field (ref null $node))))
(global $kept (mut (ref null $node)) (ref.null $node))
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (local $more i32)
  (loop $next
    (global.set $kept (struct.new $node (array.new $bytes (i64.const 1) (i32.const 100000)) (global.get $kept)))
    (local.set $more (i32.add (local.get $more) (i32.const 1)))
    (br_if $next (i32.lt_s (local.get $more) (i32.const 10))))
  (i32.const 0))
