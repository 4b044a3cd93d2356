import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  archiveBytesMax,
  depthMax,
  entriesMax,
  fileBytesMax,
  inMiB,
  pathBytesMax,
  unpackedBytesMax,
} from '../services/host/archive-bounds.ts'

test('the page on installing names the bounds that hold', () => {
  const page = readFileSync(new URL('./installing.md', import.meta.url), 'utf8')
  for (const row of [
    `| archive | ${inMiB(archiveBytesMax)} |`,
    `| all files together | ${inMiB(unpackedBytesMax)} |`,
    `| one file | ${inMiB(fileBytesMax)} |`,
    `| files and directories | ${entriesMax} |`,
    `| a path | ${pathBytesMax} bytes of UTF-8, ${depthMax} names deep |`,
  ]) {
    assert.ok(page.includes(row), row)
  }
})
