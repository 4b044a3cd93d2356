(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2))
  (i32.const 0))
