// ends-at-once.ts: cannot start.
process.exit(7)
