import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const under = (baseDir: string, path: string): string => join(baseDir, path)

/** Compiles `entry`, a path below the root of the project, with the options that `make plugins` uses. */
async function compile(entry: string, source: string): Promise<Uint8Array<ArrayBuffer>> {
  let built: Uint8Array | undefined
  const options = ['--baseDir', root, '--config', 'sdk/assemblyscript/asconfig.json', '--outFile', 'plugin.wasm']
  const { error, stderr } = await asc.main([entry, ...options], {
    readFile(path, baseDir) {
      if (path === entry) return source
      try {
        return readFileSync(under(baseDir, path), 'utf8')
      } catch {
        return null // the compiler tries several places for each import
      }
    },
    writeFile(_, contents) {
      if (typeof contents !== 'string') built = contents
    },
  })
  if (error !== null || built === undefined) {
    throw new Error(`${entry} does not compile: ${stderr.toString()}`, { cause: error })
  }
  return new Uint8Array(built)
}

/** The sample plugin of this name, compiled from its source. */
export function buildSample(
  name: 'rpm-leds' | 'slip-ffb' | 'zenith-resize' | 'zenith-tokenizer',
): Promise<Uint8Array<ArrayBuffer>> {
  const entry = `plugins/${name}/assembly/index.ts`
  return compile(entry, readFileSync(under(root, entry), 'utf8'))
}

/** A plugin in AssemblyScript whose `process` is this; everything of the SDK is at hand. */
export function buildWithSdk(process: string): Promise<Uint8Array<ArrayBuffer>> {
  const sdk = '../../../sdk/assemblyscript/assembly'
  return compile(
    'plugins/under-test/assembly/index.ts',
    `import * as sdk from '${sdk}'
    import { Context, LedFrame, TelemetryFrame } from '${sdk}'
    export { alloc, dealloc, openracing_abi } from '${sdk}'
    export function initialize(json: usize, length: i32): i32 { return 0 }
    export function process(op: i32, telemetry: TelemetryFrame, context: Context, leds: LedFrame): i32 { ${process} }`,
  )
}
