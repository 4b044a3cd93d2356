(module ;; Has a name that would turn a terminal upside down, and matches no ABI.
  (memory (export "memory") 1)
  (func (export "\1b[2J\1b]0;pwned\07 \e2\80\ae evil\0aline")))
