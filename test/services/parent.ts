// parent.ts DIARY: supervises one well-behaved service, prints its process id when it serves, and waits to be killed.
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { findHome } from '../../rpc/home.ts'
import { standardCare } from '../../services/host/care.ts'
import { createSupervisor } from '../../services/host/supervisor.ts'

const home = findHome(process.env)
const file = fileURLToPath(new URL('well-behaved.ts', import.meta.url))
const supervisor = createSupervisor({
  services: [
    {
      name: 'child',
      program: { file, args: ['child', process.argv[2] as string], environment: process.env },
      socket: home.socket('child'),
    },
  ],
  care: standardCare,
  serving: () => console.log(supervisor.services()[0]?.pid),
  log: pino({ level: 'silent' }),
})
supervisor.start()
