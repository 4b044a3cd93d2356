// broken-while.ts NAME DIARY: cannot start while there is a file DIARY.broken; else it is well-behaved.
import { existsSync } from 'node:fs'

if (existsSync(`${process.argv[3]}.broken`)) process.exit(7)
await import('./well-behaved.ts')
