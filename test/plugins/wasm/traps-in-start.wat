;; The start section traps.
(start $start)
(func $start (unreachable))
