;; A load that never ends.
(func (export "initialize") (param i32 i32) (result i32)
  (loop $again (br $again))
  (unreachable))
