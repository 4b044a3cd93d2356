;; Declares a larger table than it may have.
(table 10001 funcref)
