import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { RigError } from '../rpc/failure.ts'
import { allContexts, contextsFile, readContexts } from './context.ts'

interface Ended {
  readonly name: string
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Where `--context all` stands among the words; undefined where it does not. */
function placeOf(words: readonly string[]): { readonly at: number; readonly length: number } | undefined {
  const end = words.indexOf('--')
  const options = end === -1 ? words : words.slice(0, end)
  const joined = options.indexOf(`--context=${allContexts}`)
  if (joined !== -1) return { at: joined, length: 1 }
  const at = options.findIndex((word, index) => word === '--context' && options[index + 1] === allContexts)
  return at === -1 ? undefined : { at, length: 2 }
}

/** This program with other words. Nothing can be asked on its way: there is one terminal, and there are many rigs. */
async function run(name: string, words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [process.argv[1] as string, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { name, code, stdout, stderr }
}

function parsed(stdout: string): unknown {
  try {
    return JSON.parse(stdout)
  } catch {
    return stdout === '' ? null : stdout
  }
}

const titled = (name: string, text: string): string => (text === '' ? '' : `== ${name}\n${text}`)

/**
 * Runs a command on the rig of every context where the words say `--context all`, at once, and tells what came of each;
 * with `--json` as one object. The exit code is the largest. Resolves with false where the words say no such thing. Throws
 * REQUEST_INVALID where there is no context.
 */
export async function forEachContext(words: readonly string[]): Promise<boolean> {
  const place = placeOf(words)
  if (place === undefined) return false
  const { contexts } = readContexts(contextsFile(process.env))
  if (contexts.length === 0) {
    throw new RigError('REQUEST_INVALID', 'there is no context; make one with `wheelctl context set NAME --endpoint …`')
  }
  const withName = (name: string) => words.toSpliced(place.at, place.length, `--context=${name}`)
  const ended = await Promise.all(contexts.map(({ name }) => run(name, withName(name))))
  if (words.includes('--json')) {
    const told = ended.map(({ name, code, stdout, stderr }) =>
      code === 0 ? [name, { result: parsed(stdout) }] : [name, { exitCode: code, error: stderr.trim() }],
    )
    process.stdout.write(`${JSON.stringify(Object.fromEntries(told), null, 2)}\n`)
  } else {
    for (const { name, stdout, stderr } of ended) {
      process.stdout.write(titled(name, stdout))
      process.stderr.write(titled(name, stderr))
    }
  }
  process.exitCode = Math.max(...ended.map(({ code }) => code))
  return true
}
