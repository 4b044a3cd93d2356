import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../../state/database.ts'
import { createAuditLog, verifyLog } from '../audit-log.ts'
import { openConductRecord } from '../conduct-record.ts'
import { blameless, type ConductState, next } from '../conduct-state.ts'
import type { Doom } from './conduct-hosts.ts'
import { conductMigrations } from './conduct-rig.ts'
import { isReadingOf, scriptPlugins, scriptPolicy, timeOf } from './conduct-script.ts'
import { createSurvivor } from './conduct-survivor.ts'

type Act = readonly [act: string, step: number]

/** What a host said that it was about to do, and what it was told. */
function readTold(tellFile: string) {
  const lines = readFileSync(tellFile, 'utf8').split('\n').slice(0, -1)
  const heard = new Map<string, string>()
  const acts: Act[] = []
  for (const [what = '', about = '', news = ''] of lines.map((line) => line.split(' '))) {
    if (what === 'heard') heard.set(about, news)
    else acts.push([what, Number(about)])
  }
  return { heard, acts }
}

const settledAt = (step: number, state: ConductState): ConductState =>
  next(state, { kind: 'due' }, timeOf(step), scriptPolicy).state

/** A rig whose hosts are killed, one after the other. */
export function createKilledRig(directory: string) {
  const [file, tellFile] = [join(directory, 'state.db'), join(directory, 'told')]
  const survivor = createSurvivor()
  let step = 0
  let decisions = 0
  openDatabase(file, conductMigrations).close()

  /** All that a host did was written, but perhaps the last: of that the tables say whether it was. */
  function liveThrough(acts: readonly Act[], isWritten: (act: Act) => boolean): void {
    for (const [index, act] of acts.entries()) {
      const [what, at] = act
      step = at
      if (index === acts.length - 1 && !isWritten(act)) return
      if (what === 'observe') survivor.observe(at)
      if (what === 'release') survivor.release(at)
    }
  }

  return {
    /** The next host. */
    doom(standBefore: number): Doom {
      writeFileSync(tellFile, '')
      return { file, tellFile, firstStep: step, standBefore }
    },
    /**
     * What the dead host left is what there would be had it been one host that lived through everything that was written;
     * nothing that it was told is undone, and the chain of the audit log is whole.
     */
    check(): void {
      const { heard, acts } = readTold(tellFile)
      const database = openDatabase(file, conductMigrations)
      const { states, readings } = openConductRecord(database).read()
      const audit = createAuditLog(database, Date.now)
      const newest = audit.list({ kind: '', subject: '', before: 0, limit: 20 }) // no act comes to more
      const verdict = verifyLog(database, '')
      liveThrough(acts, ([what, at]) => {
        const reading = readings.Fast.get('a')
        if (what === 'observe') return isReadingOf(at, reading?.name, reading?.tallies.memory?.count)
        return what === 'release' && newest.some(({ reason }) => reason.endsWith(`: step ${at}.`))
      })
      for (const id of scriptPlugins) {
        const state = states.get(id) ?? blameless
        assert.deepEqual(settledAt(step, state), settledAt(step, survivor.stateOf(id)), `${id} after step ${step}`)
        // The act that was under way may have gone further than was told: a release, or the end of a time.
        const untilMs = heard.get(id)
        if (untilMs !== undefined && untilMs !== 'free' && acts.at(-1)?.[0] === 'observe')
          assert.equal(state.quarantine?.untilMs, Number(untilMs), `${id} was told to be quarantined`)
      }
      assert.ok(verdict.kind === 'intact', JSON.stringify(verdict))
      assert.ok(verdict.entries >= decisions, 'no decision is gone')
      decisions = verdict.entries
      database.close()
      step += 1
    },
    steps: () => step,
    decisions: () => decisions,
  }
}
