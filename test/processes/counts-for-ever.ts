// counts-for-ever.ts HISTORY COUNTER: counts the calls of a plugin that lives on in the file COUNTER, and writes them
// into HISTORY as fast as it can. Prints a line when the first of it is written. Waits to be killed.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { openHistoryFile } from '../../services/host/history-file.ts'
import { createHistoryLedger } from '../../services/host/history-ledger.ts'

const [historyFile, counterFile] = process.argv.slice(2) as [string, string]
const file = openHistoryFile(historyFile)
const ledger = createHistoryLedger()
ledger.restore(await file.load())
let returned = Number(readFileSync(counterFile, 'utf8'))
for (let round = 0; ; round++) {
  returned += 1 + (round % 7)
  writeFileSync(`${counterFile}.new`, String(returned))
  renameSync(`${counterFile}.new`, counterFile)
  const durations = new Map([[100, returned]])
  ledger.count('a', { life: '1', returned, unreturned: 0, failures: 0, maxNs: 9, durations, atMs: Date.now() })
  await file.write(ledger.take(), Date.now())
  if (round === 0) console.log('written')
}
