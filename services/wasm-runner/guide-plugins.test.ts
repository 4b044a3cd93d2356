import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  buildGuidePlugin,
  compileRust,
  compileWithSerde,
  listingOf,
  noRustCompiler,
  noSerde,
} from '../../test/guide-plugin.ts'
import { noWasiCompiler } from '../../test/wasi-program.ts'
import type { CallOutcome } from './call-messages.ts'
import { readModuleShape } from './module-shape.ts'
import { actionOf, type CalledPlugin, calledPlugin } from './testing/call.ts'
import { buildSample } from './testing/samples.ts'

const zenithGuide = 'zenith-wasm-plugin-guide.md'
const midimonGuide = 'midimon-wasm-plugin-guide.md'

interface Size {
  readonly width: number
  readonly height: number
}

/** A picture with edges, gradients and noise, three bytes a pixel; always the same. */
function picture({ width, height }: Size): Buffer {
  const pixels = Buffer.alloc(width * height * 3)
  let noise = 1
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0
      const inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2
      pixels.set([inside ? 255 - (x & 255) : x & 255, y & 255, noise >>> 24], (y * width + x) * 3)
    }
  }
  return pixels
}

/** The guide's formula, in the arithmetic of f32. */
function resized(input: Buffer, from: Size, to: Size): Buffer {
  const ratio = (a: number, b: number): number => Math.fround(Math.fround(a) / Math.fround(b))
  const [xRatio, yRatio] = [ratio(from.width, to.width), ratio(from.height, to.height)]
  const output = Buffer.alloc(to.width * to.height * 3)
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      const sourceX = Math.trunc(Math.fround(Math.fround(x) * xRatio))
      const sourceY = Math.trunc(Math.fround(Math.fround(y) * yRatio))
      const source = (sourceY * from.width + sourceX) * 3
      input.copy(output, (y * to.width + x) * 3, source, source + 3)
    }
  }
  return output
}

/** The guide's tokeniser: words between white space, hashed byte by byte. */
function tokensOf(text: string): readonly number[] {
  const words = text.split(/\p{White_Space}+/u).filter((word) => word !== '')
  return words.map((word) => Buffer.from(word).reduce((hash, byte) => (Math.imul(hash, 31) + byte) >>> 0, 0))
}

const sizes: readonly (readonly [Size, Size])[] = [
  [
    { width: 320, height: 240 },
    { width: 160, height: 120 },
  ],
  [
    { width: 317, height: 211 },
    { width: 100, height: 333 },
  ],
  [
    { width: 7, height: 5 },
    { width: 64, height: 64 },
  ],
  [
    { width: 100, height: 100 },
    { width: 50, height: 50 },
  ],
]

function checkResize(plugin: CalledPlugin): void {
  for (const [from, to] of sizes) {
    const input = picture(from)
    const outcome = plugin.process({
      operation: 'resize_image',
      input: Buffer.from(input),
      parameters: Buffer.from(new Uint32Array([from.width, from.height, to.width, to.height]).buffer),
      outputBytes: to.width * to.height * 3,
    })
    assert.deepEqual([outcome.code, outcome.fault], [0, undefined])
    assert.ok(
      resized(input, from, to).equals(outcome.output),
      `${from.width}×${from.height} as ${to.width}×${to.height}`,
    )
  }
}

const document = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const texts = [
  ...[document('CHANGELOG.md'), document('docs/ring.md'), '', ' ', 'one', '  one\ttwo\r\n\r\nthree  ', 'ends '],
  'a\u00a0b\u1680c\u2003d\u2028e\u3000f\u0085g', // white space of Unicode
  'grüße 日本語 😀\u200b zero-width is no space',
]

const tokenize = (plugin: CalledPlugin, input: Uint8Array, outputBytes?: number): CallOutcome =>
  plugin.process({ operation: 'tokenize', input: new Uint8Array(input), elementBytes: 4, outputBytes })

function checkTokenizer(plugin: CalledPlugin): void {
  for (const text of texts) {
    const { code, fault, output } = tokenize(plugin, Buffer.from(text))
    assert.deepEqual([code, fault], [0, undefined])
    assert.deepEqual([...new Uint32Array(output.slice().buffer)], tokensOf(text), JSON.stringify(text.slice(0, 40)))
  }
  for (const bytes of [[0xff], [0x61, 0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80]])
    assert.equal(tokenize(plugin, Uint8Array.from(bytes)).code, -1, `${bytes} is no text`)
}

test('the sample resize gives what the guide’s formula gives, byte by byte', async () => {
  const plugin = await calledPlugin(await buildSample('zenith-resize'))
  assert.deepEqual(plugin.describe().described, { name: 'zenith-resize', version: '1.0.0', description: '' })
  checkResize(plugin)
  const parameters = Buffer.from(new Uint32Array([0, 1, 1, 1]).buffer)
  assert.equal(plugin.process({ operation: 'resize_image', parameters, outputBytes: 3 }).code, -1)
})

test('the sample tokeniser gives the tokens of whole documents, and says so where there is no room for them', async () => {
  const plugin = await calledPlugin(await buildSample('zenith-tokenizer'))
  checkTokenizer(plugin)
  assert.equal(tokenize(plugin, Buffer.from('a b c'), 12).code, 0)
  assert.equal(tokenize(plugin, Buffer.from('a b c'), 11).code, -2)
})

test('the guide’s resize in C gives the same', { skip: noWasiCompiler }, async () => {
  checkResize(await calledPlugin(buildGuidePlugin('resize')))
})

test('the guide’s tokeniser in C gives the same, though it allocates, and logs', { skip: noWasiCompiler }, async () => {
  const plugin = await calledPlugin(buildGuidePlugin('tokenize'))
  assert.deepEqual(plugin.describe().described, { name: 'my-plugin', version: '0.1.0', description: '' })
  checkTokenizer(plugin)
  // More than the memory that it began with: its allocator takes what the host put behind that, too.
  const large = 'word '.repeat(30_000)
  const { code, output } = tokenize(await calledPlugin(buildGuidePlugin('tokenize')), Buffer.from(large))
  assert.deepEqual([code, output.length], [0, 4 * 30_000])
  assert.equal(plugin.lines[0], `info ${tokensOf(texts[0]!).length} tokens`)
})

test('the guide’s resize and tokeniser, in Rust as printed, give the same', { skip: noRustCompiler }, async () => {
  // Printed without the panic handler and the allocator that no_std asks for: with the standard library they compile.
  const quick = listingOf(zenithGuide, 'my-plugin v0.1.0')
  const info = quick.slice(quick.indexOf('/// Plugin metadata'))
  const build = (part: string) => compileRust(`${listingOf(zenithGuide, part).replace('#![no_std]', '')}\n${info}`)
  checkResize(await calledPlugin(build('src_width: u32,')))
  checkTokenizer(await calledPlugin(build('fn simple_hash')))
  const nothing = await calledPlugin(compileRust(quick.replace('#![no_std]', '')))
  assert.equal(nothing.process().code, 0)
})

function checkMinimal(plugin: CalledPlugin): void {
  const described = { name: 'my_plugin', version: '0.1.0', description: 'My first WASM plugin' }
  assert.deepEqual(plugin.describe().described, described)
  assert.deepEqual([plugin.execute().code, plugin.execute().fault], [0, undefined])
}

test('the minimal action of the guide in C', { skip: noWasiCompiler }, async () => {
  checkMinimal(await calledPlugin(buildGuidePlugin('minimal-action')))
})

test('the minimal action of the guide, in Rust as printed', { skip: noRustCompiler }, async () => {
  // core has no allocator to call: std has.
  const listing = listingOf(midimonGuide, 'core::alloc::System')
  const [before = '', after = ''] = listing.replace('#![no_std]', '').split(/\/\/\/ Panic handler[\s\S]*?\n}\n/)
  checkMinimal(await calledPlugin(compileRust(`${before}${after}`.replaceAll('core::alloc::', 'std::alloc::'))))
})

test('the complete action of the guide in C, which has its memory functions from the host', {
  skip: noWasiCompiler,
}, async () => {
  const bytes = buildGuidePlugin('complete-action')
  const imported = readModuleShape(bytes).imports.map(({ module, name }) => `${module}.${name}`)
  assert.deepEqual(imported.toSorted(), ['env.memcmp', 'env.memcpy', 'env.memset'])
  const plugin = await calledPlugin(bytes)
  assert.equal(plugin.describe().described.name, 'example_plugin')
  checkComplete(plugin)
})

/** What the guide's complete action answers. */
function checkComplete(plugin: CalledPlugin): void {
  const { context } = actionOf()
  const full = { ...context, velocity: 127, note: 1, cc: 2, value: 3, currentMode: 4, metadata: { a: 'b "c"' } }
  assert.deepEqual(
    [plugin.execute({ action: 'hello' }).code, plugin.execute({ action: 'hello' }).fault],
    [0, undefined],
  )
  assert.equal(plugin.execute({ action: 'hello', parameters: ['x', '{"y": 1}'], context: full }).code, 0)
  assert.equal(plugin.execute({ action: 'goodbye' }).code, 3)
  assert.equal(plugin.execute({ action: 'hello', context: { ...context, velocity: 256 } }).code, 2)
}

test('the complete action of the guide, in Rust with serde as printed', { skip: noSerde }, async () => {
  // The standard library brings the allocator and the panic handler.
  const listing = listingOf(midimonGuide, 'wee_alloc::WeeAlloc').replace('#![no_std]', '')
  const source = listing.replace(/#\[panic_handler\]\n[\s\S]*?\n}\n/, '').replace(/#\[global_allocator\]\n.*\n/, '')
  const plugin = await calledPlugin(compileWithSerde(source))
  const described = { name: 'example_plugin', version: '0.1.0', description: 'Example WASM plugin' }
  assert.deepEqual(plugin.describe().described, described)
  checkComplete(plugin)
})
