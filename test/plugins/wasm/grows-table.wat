;; The same with a table: 10,000 elements, and no more.
(table $table 1 funcref)
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (if (i32.ne (table.grow $table (ref.null func) (i32.const 10000000)) (i32.const -1)) (then (return (i32.const -10))))
  (if (i32.eq (table.size $table) (i32.const 1))
    (then (if (i32.ne (table.grow $table (ref.null func) (i32.const 9999)) (i32.const 1)) (then (return (i32.const -11))))))
  (if (i32.ne (table.grow $table (ref.null func) (i32.const 1)) (i32.const -1)) (then (return (i32.const -12))))
  (i32.sub (table.size $table) (i32.const 10000)))
