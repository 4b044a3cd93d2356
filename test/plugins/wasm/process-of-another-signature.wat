(func (export "process") (param f32) (result f32) (local.get 0))
