import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { openDatabase } from '../../state/database.ts'
import { verifyLog } from './audit-log.ts'
import { standardPolicy } from './conduct-policy.ts'
import { openConductRecord } from './conduct-record.ts'
import { blameless, type ConductState, next } from './conduct-state.ts'
import { histories, hourMs, minuteMs, policies } from './testing/conduct-history.ts'
import { conductMigrations, newConductRig, reportOf } from './testing/conduct-rig.ts'

test('what was decided is in the audit log and in the database before anybody hears of it', () => {
  using rig = newConductRig()
  rig.installed.set('a', { directory: 'lowpass', pluginClass: 'Fast', rateHz: 1000 })
  const { conduct, entries, database } = rig.host()
  const heard: unknown[] = []
  conduct.onChange((ids) => {
    using elsewhere = new DatabaseSync(rig.file, { readOnly: true })
    const row = elsewhere.prepare('SELECT level, halvings FROM conduct').get()
    const entry = elsewhere.prepare('SELECT decision FROM audit ORDER BY number DESC').get()
    heard.push([ids, { ...row, ...entry }, conduct.standingOf('a').kind])
  })
  conduct.observe([reportOf('a', { budget: 1 })])
  conduct.observe([reportOf('a', { budget: 3 })])
  conduct.observe([reportOf('a', { budget: 3, crash: 3 })])
  assert.deepEqual(heard, [
    [['a'], { level: 0, halvings: 0, decision: 'warn' }, 'free'],
    [['a'], { level: 0, halvings: 2, decision: 'throttle' }, 'free'],
    [['a'], { level: 1, halvings: 0, decision: 'quarantine' }, 'quarantined'],
  ])
  const [, throttle, quarantine] = entries()
  assert.equal(
    throttle?.reason,
    '3 budget violations within 60 min (the newest budget); it runs at 250 Hz of its 1000 Hz',
  )
  assert.equal(
    quarantine?.reason,
    '3 crashes and 3 budget violations within 60 min (the newest crash); level 1, until 2026-01-01T01:00:00.000Z',
  )
  assert.equal(quarantine?.subject, 'lowpass')
  assert.equal(JSON.parse(quarantine?.evidence ?? '{}').plugin_id, 'a')
  assert.equal(verifyLog(database, '').kind, 'intact')
})

test('a quarantine goes by the id of the plugin: another name of its directory, another version and another host do not end it', () => {
  using rig = newConductRig()
  rig.installed.set('a', { directory: 'old', pluginClass: 'Fast', rateHz: 1000 })
  rig.host().conduct.observe([reportOf('a', { crash: 3 })])
  rig.installed.set('a', { directory: 'new', pluginClass: 'Safe', rateHz: 60 })
  rig.pass(hourMs - 1)
  const { conduct } = rig.host()
  assert.equal(conduct.standingOf('a').kind, 'quarantined')
  assert.equal(conduct.release('a', 'repaired'), true)
  assert.deepEqual(conduct.standingOf('a'), { kind: 'free', level: 1, halvings: 0, warned: false })
  assert.equal(rig.host().conduct.standingOf('a').kind, 'free')
})

test('what an earlier host counted is not counted again, and what nobody counted is', () => {
  using rig = newConductRig()
  rig.host().conduct.observe([reportOf('a', { crash: 1 })])
  const later = rig.host().conduct
  later.observe([reportOf('a', { crash: 1 })])
  assert.equal(later.conductOf('a').counted.crash, 1)
  later.observe([reportOf('a', { crash: 2 })])
  assert.equal(rig.host().conduct.conductOf('a').counted.crash, 2)
  const third = rig.host().conduct
  third.observe([reportOf('a', { crash: 1 }, { name: 'another life' })])
  assert.equal(third.standingOf('a').kind, 'quarantined')
})

test('the counters of both services are apart: a plugin may have been of another class', () => {
  using rig = newConductRig()
  const { conduct } = rig.host()
  const both = [reportOf('a', { crash: 1 }, { pluginClass: 'Safe', name: 's' }), reportOf('a', { crash: 1 })]
  for (let round = 0; round < 5; round += 1) conduct.observe(both)
  assert.equal(conduct.conductOf('a').totals.crash, 2)
})

test('a quarantine ends when its time has passed, is said to have ended then, and leaves its level', () => {
  using rig = newConductRig()
  const { conduct } = rig.host()
  conduct.observe([reportOf('a', { crash: 3 })])
  assert.equal(conduct.dueInMs(), hourMs)
  rig.pass(hourMs - 1)
  conduct.due()
  assert.equal(conduct.standingOf('a').kind, 'quarantined')
  rig.pass(1)
  assert.equal(conduct.standingOf('a').kind, 'quarantined', 'not before it is on the disk')
  conduct.due()
  assert.deepEqual(conduct.standingOf('a'), { kind: 'free', level: 1, halvings: 0, warned: false })
  rig.pass(24 * hourMs)
  const later = rig.host()
  assert.equal(later.conduct.standingOf('a').level, 0)
  assert.deepEqual(later.conduct.list(), [])
  assert.deepEqual(later.decided(), ['a: quarantine', 'a: quarantine ended', 'a: level lowered'])
})

for (const [what, setMs] of [
  ['back', -5 * hourMs],
  ['ahead', 5 * hourMs],
] as const) {
  test(`a wall clock that is set ${what} while the host runs, or is killed soon after, neither shortens nor prolongs a quarantine`, () => {
    using rig = newConductRig()
    const { conduct } = rig.host()
    conduct.observe([reportOf('a', { crash: 3 })])
    rig.pass(20 * minuteMs)
    rig.clocks.wallMs += setMs
    conduct.due()
    assert.equal(conduct.dueInMs(), 40 * minuteMs)
    const standing = conduct.standingOf('a')
    assert.equal(standing.kind === 'quarantined' && standing.untilMs, rig.clocks.wallMs + 40 * minuteMs)
    rig.pass(10 * minuteMs)
    const later = rig.host().conduct
    assert.equal(later.dueInMs(), 30 * minuteMs)
    rig.pass(30 * minuteMs)
    later.due()
    assert.equal(later.standingOf('a').kind, 'free')
  })
}

test('between two hosts the wall clock counts, and one that went back counts as no time', () => {
  using rig = newConductRig()
  rig.host().conduct.observe([reportOf('a', { crash: 3 })])
  rig.clocks.upMs = 5 // another boot
  rig.clocks.wallMs += 45 * minuteMs
  assert.equal(rig.host().conduct.dueInMs(), 15 * minuteMs)
  rig.clocks.wallMs -= 100 * hourMs
  const { conduct } = rig.host()
  assert.equal(conduct.dueInMs(), 15 * minuteMs)
  rig.pass(10 * minuteMs)
  conduct.due()
  rig.clocks.wallMs -= hourMs // killed before it saw that
  assert.equal(rig.host().conduct.dueInMs(), 5 * minuteMs)
})

test('a database that takes nothing leaves everything as it was, and what it did not take is counted when it does', () => {
  using rig = newConductRig()
  const { conduct, database } = rig.host()
  conduct.observe([reportOf('a', { crash: 2 })])
  const heard: unknown[] = []
  conduct.onChange((ids) => void heard.push(ids))
  database.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
  assert.throws(() => conduct.observe([reportOf('a', { crash: 3 })]), /the disk is full/)
  assert.deepEqual([conduct.standingOf('a').kind, conduct.conductOf('a').counted.crash, heard], ['free', 2, []])
  database.exec('DROP TRIGGER full')
  conduct.observe([reportOf('a', { crash: 3 })])
  assert.deepEqual(
    [conduct.standingOf('a').kind, conduct.conductOf('a').totals.crash, heard],
    ['quarantined', 3, [['a']]],
  )
})

test('somebody who hears of a decision and fails keeps nobody else from hearing of it', () => {
  using rig = newConductRig()
  const { conduct } = rig.host()
  const heard: unknown[] = []
  conduct.onChange(() => {
    throw new Error('deaf')
  })
  const end = conduct.onChange((ids) => void heard.push(ids))
  conduct.observe([reportOf('a', { crash: 3 })])
  end()
  conduct.release('a', '')
  assert.deepEqual(heard, [['a']])
})

test('there is nothing to release a blameless plugin from', () => {
  using rig = newConductRig()
  const { conduct, decided } = rig.host()
  assert.equal(conduct.release('nobody', ''), false)
  assert.deepEqual(decided(), [])
})

test('a row that nobody of us has written is no freedom: the file is refused', () => {
  for (const change of [
    'UPDATE conduct SET level = -1',
    "UPDATE conduct SET level = 'none'",
    'UPDATE conduct_quarantines SET until_ms = since_ms',
    'UPDATE conduct_quarantines SET until_ms = 1e300',
    "UPDATE conduct_windows SET kind = 'virtue'",
    'UPDATE conduct_readings SET count = -5',
    'UPDATE conduct_clock SET rig_ms = NULL',
  ]) {
    using rig = newConductRig()
    const { conduct, database } = rig.host()
    conduct.observe([reportOf('a', { crash: 3 }), reportOf('b', { budget: 1 })])
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const copy = `${rig.file}.copy`
    copyFileSync(rig.file, copy)
    const forged = new DatabaseSync(copy)
    // The database takes none of these; somebody who writes into the file itself is not asked.
    assert.throws(() => forged.exec(change), /constraint|cannot store/i, change)
    forged.exec('PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF')
    try {
      forged.exec(change)
    } catch {
      forged.close()
      continue // even so
    }
    forged.close()
    assert.throws(() => openDatabase(copy, conductMigrations), { code: 'CONFIG_INVALID' }, change)
  }
})

test('whatever state comes of a history is read back as it was written', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      const database = openDatabase(':memory:', conductMigrations)
      const record = openConductRecord(database)
      let state: ConductState = blameless
      let nowMs = 1_700_000_000_000
      for (const { afterMinutes, event } of history) {
        nowMs += afterMinutes * minuteMs
        state = next(state, event, nowMs, policy).state
        record.saveState('a', state)
        assert.deepEqual(record.read().states.get('a'), state)
      }
      database.close()
    }),
    { numRuns: 50 },
  )
})

test('readings of counters are read back as they were written', () => {
  const database = openDatabase(':memory:', conductMigrations)
  const record = openConductRecord(database)
  const reading = {
    name: '7',
    tallies: { crash: { count: 3, lastUs: 5 }, memory: { count: Number.MAX_SAFE_INTEGER, lastUs: 0 } },
  }
  record.saveReading('Safe', 'a', { name: '6', tallies: { budget: { count: 1, lastUs: 1 } } })
  record.saveReading('Safe', 'a', reading)
  record.saveReading('Fast', 'a', { ...reading, name: '8' })
  const { readings } = record.read()
  assert.deepEqual([readings.Safe.get('a'), readings.Fast.get('a')?.name], [reading, '8'])
  database.close()
})

test('a policy that the operator changed counts from the next start on, and a quarantine that stands is served', () => {
  using rig = newConductRig({ ...standardPolicy, maxQuarantineLevel: 1, quarantineDurationMinutes: 2 })
  const { conduct } = rig.host()
  conduct.observe([reportOf('a', { crash: 3 })])
  rig.pass(2 * minuteMs)
  conduct.observe([reportOf('a', { crash: 6 })])
  const standing = conduct.standingOf('a')
  assert.deepEqual([standing.level, conduct.dueInMs()], [1, 2 * minuteMs])
})
