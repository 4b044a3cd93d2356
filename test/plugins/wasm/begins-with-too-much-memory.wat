;; Declares more memory than it may have.
(memory (export "memory") 257)
