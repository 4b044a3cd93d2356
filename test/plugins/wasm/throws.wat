;; What nobody catches in the module comes out of it as an exception of JavaScript.
(tag $oops (param i32))
(func (export "process") (param $op i32) (param $telemetry i32) (param $context i32) (param $leds i32) (result i32)
  (throw $oops (i32.const 42)))
