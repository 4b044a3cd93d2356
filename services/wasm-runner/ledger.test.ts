import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLedger, openLedgerReader, openLedgerWriter, type TickEntry } from './ledger.ts'

const entry = (ticket: number): TickEntry => ({
  ticket,
  cpuNs: 1234.5 * ticket,
  fuel: 70_000 * ticket,
  returned: ticket % 2 === 0,
  failed: ticket % 3 === 0,
  overBudget: ticket % 5 === 0,
  missed: ticket % 7,
  lateNs: ticket * 3,
})

test('every tick is read once, in order, as it was written', () => {
  const ledger = createLedger()
  const write = openLedgerWriter(ledger)
  const reader = openLedgerReader(ledger)
  const read: TickEntry[] = []
  for (let ticket = 1; ticket <= 200_000; ticket++) {
    write(entry(ticket))
    if (ticket % 30_000 === 0) reader.drain((each) => read.push(each))
  }
  reader.drain((each) => read.push(each))
  assert.equal(read.length, 200_000)
  assert.deepEqual(read[131_071], entry(131_072))
  assert.deepEqual(read.at(-1), entry(200_000))
  assert.equal(reader.takeDropped(), 0)
})

test('ticks that nobody reads for too long are dropped and counted, and the older ones stay', () => {
  const ledger = createLedger()
  const write = openLedgerWriter(ledger)
  const reader = openLedgerReader(ledger)
  for (let ticket = 1; ticket <= 65_546; ticket++) write(entry(ticket))
  assert.equal(reader.takeDropped(), 10)
  assert.equal(reader.takeDropped(), 0)
  const tickets: number[] = []
  reader.drain(({ ticket }) => tickets.push(ticket))
  assert.equal(tickets.length, 65_536)
  assert.equal(tickets[0], 1)
})
