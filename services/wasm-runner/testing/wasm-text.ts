import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import binaryen from 'binaryen'

const known = binaryen.Features
/** What Node runs without a flag. */
const nodeFeatures = [
  ...[known.Atomics, known.MutableGlobals, known.NontrappingFPToInt, known.SIMD128, known.BulkMemory, known.SignExt],
  ...[known.ExceptionHandling, known.TailCall, known.ReferenceTypes, known.Multivalue, known.GC, known.Memory64],
  ...[known.RelaxedSIMD, known.ExtendedConst, known.MultiMemory],
].reduce((all, feature) => all | feature, 0)

/** A module from its text, with every feature that Node runs without a flag. */
export function wasmOf(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text)
  try {
    module.setFeatures(nodeFeatures)
    return new Uint8Array(module.emitBinary())
  } finally {
    module.dispose()
  }
}

const wasmOpt = fileURLToPath(new URL('../../../node_modules/.bin/wasm-opt', import.meta.url))
/** Of these, what the assembler's fuzzer makes. */
const features = [
  ...['bulk-memory', 'simd', 'sign-ext', 'nontrapping-float-to-int', 'multivalue', 'reference-types'],
  ...['tail-call', 'gc', 'mutable-globals', 'extended-const', 'relaxed-simd'],
].map((feature) => `--enable-${feature}`)

/** Bytes that are always the same for a number. */
export function bytesOf(seed: number, length: number): Buffer {
  const parts: Buffer[] = []
  for (let part = 0; part * 32 < length; part++) parts.push(createHash('sha256').update(`${seed} ${part}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

/**
 * A valid module that the assembler's fuzzer makes of a number: functions that call each other, bounded loops, memory,
 * tables, imports of `fuzzing-support` that tell what it does.
 */
export function inventedModule(seed: number, size: number): Uint8Array<ArrayBuffer> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-invented-'))
  const [input, output] = [join(directory, 'seed'), join(directory, 'module.wasm')]
  try {
    writeFileSync(input, bytesOf(seed, size))
    const { status, stderr } = spawnSync(process.execPath, [wasmOpt, '-ttf', input, '-o', output, ...features], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`the assembler invented no module: ${stderr}`)
    return new Uint8Array(readFileSync(output))
  } finally {
    rmSync(directory, { recursive: true })
  }
}
