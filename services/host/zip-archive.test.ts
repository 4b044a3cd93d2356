import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { describedFlag, descriptorOf, type ZipPart, zipOf } from './testing/zip.ts'
import { readZip } from './zip-archive.ts'

/** Names and contents of the entries, as they are read. */
async function read(...parts: readonly ZipPart[]): Promise<Readonly<Record<string, string>>> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-zip-'))
  writeFileSync(join(directory, 'a.zip'), zipOf(parts))
  const found: Record<string, string> = {}
  for await (const { name, content } of readZip(join(directory, 'a.zip'))) found[`${name}`] = await text(content)
  rmSync(directory, { recursive: true })
  return found
}

const content = 'a text that is packed'
const others = { a: { name: 'a', content: 'x' }, z: { name: 'z', content: 'y' } }

test('sizes may follow after a file, of 32 or 64 bits, with a mark before them or without, between files and at the end', async () => {
  for (const marked of [true, false]) {
    for (const wide of [true, false]) {
      const flags = 0x800 | describedFlag
      for (const local of [{ crc: 0, packedSize: 0, size: 0 }, {}]) {
        const it = { name: 'b', content, flags, local, descriptor: descriptorOf(content, { marked, wide }) }
        assert.deepEqual(await read(others.a, it, others.z), { a: 'x', b: content, z: 'y' })
        assert.deepEqual(await read(others.a, it), { a: 'x', b: content })
      }
    }
  }
})

test('fields in front of a file that say nothing of its sizes and its name are left alone', async () => {
  const times = Buffer.from([0x55, 0x54, 5, 0, 1, 0, 0, 0, 0])
  const sameName = Buffer.concat([Buffer.from([0x75, 0x70, 6, 0, 1, 0, 0, 0, 0]), Buffer.from('b')])
  for (const extra of [times, sameName, Buffer.alloc(3)]) {
    assert.deepEqual(await read({ name: 'b', content, local: { extra } }), { b: content })
  }
})
