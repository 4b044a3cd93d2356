import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { Document } from 'yaml'
import { z } from 'zod'
import { documentMaxBytes, parseYaml } from '../input/document.ts'
import { readTextFile } from '../input/text-file.ts'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { writeDurably } from '../state/durable-file.ts'
import { json, table } from './table.ts'

/** A rig, and how it is reached. */
export interface Context {
  readonly name: string
  /** `unix:/path` or `host:port`. */
  readonly endpoint: string
  /** Absolute paths of PEM files; all three, or none. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface Contexts {
  /** The one that is meant where none is named; undefined: the rig of this home. */
  readonly current?: string | undefined
  readonly contexts: readonly Context[]
}

/** The name that means every context. */
export const allContexts = 'all'

const contextName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'write 1 to 64 letters, digits, dots, hyphens and underscores')
  .refine((word) => word !== allContexts, `${allContexts} means every context; take another name`)

const file = z.strictObject({
  current: contextName.optional(),
  contexts: z
    .array(
      z.strictObject({
        name: contextName,
        endpoint: z.string().min(1),
        ca: z.string().optional(),
        cert: z.string().optional(),
        key: z.string().optional(),
      }),
    )
    .default([]),
})

/** WHEELCTL_CONFIG, else wheelctl.yaml beside config.yaml: who has a home of its own has contexts of its own. */
export const contextsFile = (environment: NodeJS.ProcessEnv): string =>
  environment.WHEELCTL_CONFIG ?? join(findHome(environment).configDir, 'wheelctl.yaml')

/** Throws CONFIG_INVALID or PERMISSION_DENIED. None where there is no file. */
export function readContexts(path: string): Contexts {
  const text = readTextFile(path, documentMaxBytes, 'CONFIG_INVALID')
  return text === null ? { contexts: [] } : parseYaml(text, file, { file: path, code: 'CONFIG_INVALID' })
}

/** Throws REQUEST_INVALID where there is none of this name. */
export function contextNamed({ contexts }: Contexts, name: string): Context {
  const found = contexts.find((each) => each.name === name)
  if (found !== undefined) return found
  const known = contexts.map((each) => each.name).join(', ') || 'none yet'
  throw new RigError('REQUEST_INVALID', `no context is called ${JSON.stringify(name.slice(0, 64))}; there are ${known}`)
}

function write(path: string, contexts: Contexts): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeDurably(path, new Document(contexts).toString())
  } catch (cause) {
    const what = `${path} cannot be written (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'CONFIG_INVALID'), `${what}; set WHEELCTL_CONFIG to another file`, {
      cause,
    })
  }
}

interface Options {
  readonly json?: boolean
}

/** Changes the file, and says what became of it. */
function change({ json: asJson }: Options, sentence: string, to: (before: Contexts) => Contexts): void {
  const path = contextsFile(process.env)
  const after = to(readContexts(path))
  write(path, after)
  process.stdout.write(asJson ? json(after) : `${sentence}\n`)
}

function list({ json: asJson }: Options): void {
  const { current, contexts } = readContexts(contextsFile(process.env))
  const rows = contexts.map(({ name, endpoint, cert }) => [name === current ? '*' : '', name, endpoint, cert ?? ''])
  process.stdout.write(asJson ? json({ current, contexts }) : table([['', 'NAME', 'ENDPOINT', 'CERTIFICATE'], ...rows]))
}

interface SetOptions extends Options {
  readonly endpoint: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

function set(name: string, _: SetOptions, command: Command): void {
  const { endpoint, ca, cert, key, json: asJson } = command.optsWithGlobals<SetOptions>()
  if (endpoint === undefined) throw new RigError('REQUEST_INVALID', 'no endpoint is given; name it with --endpoint')
  const paths = [ca, cert, key]
  if (paths.some((path) => path !== undefined) && paths.includes(undefined)) {
    throw new RigError('REQUEST_INVALID', '--ca, --cert and --key belong together; give all three, or none')
  }
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path))
  const checked = file.shape.contexts.safeParse([{ name, endpoint }])
  if (!checked.success)
    throw new RigError('REQUEST_INVALID', `the name of the context: ${checked.error.issues[0]?.message}`)
  const context: Context = { name, endpoint, ...(ca && { ca: absolute(ca), cert: absolute(cert), key: absolute(key) }) }
  change(asJson ? { json: true } : {}, `${name} is ${endpoint}`, ({ current, contexts }) => ({
    current: current ?? name,
    contexts: [...contexts.filter((each) => each.name !== name), context],
  }))
}

function use(name: string, options: Options): void {
  change(options, `${name} is meant from now on`, (before) => ({ ...before, current: contextNamed(before, name).name }))
}

function remove(name: string, options: Options): void {
  change(options, `${name} is forgotten`, (before) => {
    contextNamed(before, name)
    const contexts = before.contexts.filter((each) => each.name !== name)
    return before.current === name ? { contexts } : { ...before, contexts }
  })
}

/** `wheelctl context …`: the rigs that a user operates, by names. */
export const contextCommand = (): Command =>
  new Command('context')
    .description('rigs by names: `wheelctl --context NAME …`, or all of them with `--context all`')
    .addCommand(new Command('list').description('every context').option('--json', 'for programs').action(list))
    .addCommand(
      new Command('set')
        .description('a context, with the --endpoint, --ca, --cert and --key that are given')
        .argument('<name>', 'what it is called')
        .option('--json', 'for programs')
        .action(set),
    )
    .addCommand(
      new Command('use')
        .description('the context that is meant where none is named')
        .argument('<name>', 'what it is called')
        .option('--json', 'for programs')
        .action(use),
    )
    .addCommand(
      new Command('remove')
        .description('forget a context')
        .argument('<name>', 'what it is called')
        .option('--json', 'for programs')
        .action(remove),
    )
