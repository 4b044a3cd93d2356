import { createBenchmark } from './report.ts'
import { runBenchmark } from './run.ts'
import { tell } from './tell.ts'

// The processes of the data plane do not keep the one that started them alive.
setInterval(() => undefined, 2 ** 31 - 1)

runBenchmark({
  name: 'bench',
  description: 'Measures the 1 kHz data plane beside what else passes a slot between two processes.',
  // Not longer: a loop that nobody publishes a control for ends after 30 s.
  roundMs: { least: 10, usual: 1000 },
  create: createBenchmark,
  tell,
})
