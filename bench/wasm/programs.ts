import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const folder = fileURLToPath(new URL('assembly/', import.meta.url))

/** Each exports `run(rounds)`; what they do is in assembly/. */
export const programs = ['kernels', 'sieve', 'matrix', 'crc', 'fibonacci'] as const
export type Program = (typeof programs)[number]

/** Without the runtime, and as fast as the compiler makes it: what is to be measured is the code of loops and calls. */
const options = ['--runtime', 'stub', '-O3', '--noAssert', '--use', 'abort=', '--outFile', 'program.wasm']

export async function compileProgram(program: Program): Promise<Uint8Array<ArrayBuffer>> {
  let built: Uint8Array | undefined
  const { error, stderr } = await asc.main([`${program}.ts`, '--baseDir', folder, ...options], {
    readFile: (path) => (path === `${program}.ts` ? readFileSync(`${folder}${path}`, 'utf8') : null),
    writeFile(_, contents) {
      if (typeof contents !== 'string') built = contents
    },
  })
  if (error !== null || built === undefined) {
    throw new Error(`${program} does not compile: ${stderr.toString()}`, { cause: error })
  }
  return new Uint8Array(built)
}
