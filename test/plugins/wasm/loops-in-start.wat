;; The start section, which runs before anything is exported, never ends.
(start $start)
(func $start (loop $again (br $again)))
