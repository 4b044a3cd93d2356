import { parse } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import {
  type AddKeyResponse,
  type DistrustKeyResponse,
  type ExportKeysResponse,
  type ImportKeysResponse,
  type Key,
  KeyServiceClient,
  type ListKeysResponse,
  type RemoveKeyResponse,
  TrustLevel,
} from '../gen/proto/openracing/v1/key.ts'
import { documentMaxBytes } from '../input/document.ts'
import { type Callback, call, within } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { trustLevelOf, trustLevelWord } from '../rpc/words.ts'
import { parseTrustStore } from '../services/trust/trust-store.ts'
import { answerMs, withClient } from './endpoint.ts'
import { readKeyFile, readNamedText } from './key-file.ts'
import { json, table } from './table.ts'
import { writeExport } from './trust-export.ts'
import { wordedKey } from './worded.ts'

interface Options {
  readonly json?: boolean
}

function parseLevel(text: string): TrustLevel {
  const level = trustLevelOf(text.toLowerCase())
  if (level !== undefined) return level
  throw new RigError('REQUEST_INVALID', `--level is ${JSON.stringify(text)}; write trusted, unknown or distrusted`)
}

function parseYesNo(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new InvalidArgumentError('it must be true or false.')
}

const rowOf = (key: Key): readonly string[] => [
  trustLevelWord(key.trustLevel),
  key.fingerprint,
  key.identifier,
  key.userModifiable ? 'user' : 'system',
  key.addedAt,
  key.reason,
]
const show = (keys: readonly Key[]): string =>
  table([['LEVEL', 'FINGERPRINT', 'IDENTIFIER', 'KIND', 'ADDED', 'REASON'], ...keys.map(rowOf)])

/** What became of a key, for a person. `was`: the level that it had. */
function sentenceOf({ key, previousLevel: was }: AddKeyResponse | DistrustKeyResponse): string {
  if (key === undefined) return ''
  const before = was === TrustLevel.TRUST_LEVEL_UNSPECIFIED ? 'new' : `was ${trustLevelWord(was)}`
  return `${key.fingerprint} ${key.identifier}: ${trustLevelWord(key.trustLevel)} (${before})\n`
}

const wordedChange = ({ key, previousLevel }: AddKeyResponse | DistrustKeyResponse) => ({
  key: key && wordedKey(key),
  previousLevel: trustLevelWord(previousLevel),
})

const ask = <Response>(
  command: Command,
  make: (client: KeyServiceClient, done: Callback<Response>) => unknown,
): Promise<Response> => withClient(command, KeyServiceClient, (client) => call<Response>((done) => make(client, done)))

interface AddOptions extends Options {
  readonly key: string
  readonly level: TrustLevel
  readonly reason: string
  readonly identifier?: string
  readonly comment: string
}

async function add(
  { key, level, reason, identifier, comment, ...options }: AddOptions,
  command: Command,
): Promise<void> {
  const request = {
    publicKey: { $case: 'pem' as const, value: readKeyFile(key) },
    ...{ trustLevel: level, reason, comment, identifier: identifier ?? parse(key).name },
  }
  const answer = await ask<AddKeyResponse>(command, (client, done) => client.addKey(request, ...within(answerMs), done))
  process.stdout.write(options.json ? json(wordedChange(answer)) : sentenceOf(answer))
}

async function list(options: Options, command: Command): Promise<void> {
  const { keys } = await ask<ListKeysResponse>(command, (client, done) =>
    client.listKeys({}, ...within(answerMs), done),
  )
  process.stdout.write(options.json ? json(keys.map(wordedKey)) : show(keys))
}

interface NamedKey extends Options {
  readonly fingerprint: string
}

async function remove({ fingerprint, ...options }: NamedKey, command: Command): Promise<void> {
  const answer = await ask<RemoveKeyResponse>(command, (client, done) =>
    client.removeKey({ fingerprint }, ...within(answerMs), done),
  )
  const { key } = answer
  const was =
    key === undefined ? '' : `${key.fingerprint} ${key.identifier}: removed (was ${trustLevelWord(key.trustLevel)})\n`
  process.stdout.write(options.json ? json({ key: key && wordedKey(key) }) : was)
}

async function distrust(
  { fingerprint, reason, ...options }: NamedKey & { readonly reason: string },
  command: Command,
): Promise<void> {
  const answer = await ask<DistrustKeyResponse>(command, (client, done) =>
    client.distrustKey({ fingerprint, reason }, ...within(answerMs), done),
  )
  process.stdout.write(options.json ? json(wordedChange(answer)) : sentenceOf(answer))
}

async function importKeys({ file, ...options }: Options & { readonly file: string }, command: Command): Promise<void> {
  const trustStore = readNamedText(file, documentMaxBytes)
  parseTrustStore(trustStore, { file, code: 'REQUEST_INVALID' }) // the rig does not know what the file is called
  const answer = await ask<ImportKeysResponse>(command, (client, done) =>
    client.importKeys({ trustStore }, ...within(answerMs), done),
  )
  const { added, kept } = answer
  const told = `${added.length} added; ${kept.length} were there already and stay as they are\n`
  process.stdout.write(
    options.json
      ? json({ added: added.map(wordedKey), kept: kept.map(wordedKey) })
      : `${show([...added, ...kept])}${told}`,
  )
}

interface ExportOptions extends Options {
  readonly file: string
  readonly includeSystem: boolean
}

async function exportKeys({ file, includeSystem, ...options }: ExportOptions, command: Command): Promise<void> {
  const { trustStore } = await ask<ExportKeysResponse>(command, (client, done) =>
    client.exportKeys({ includeSystem }, ...within(answerMs), done),
  )
  await writeExport(file, trustStore, findHome(process.env).trustStore)
  const exported = Object.keys(JSON.parse(trustStore) as object).length
  const told = file === '-' ? process.stderr : process.stdout // which is the store then, and nothing else
  told.write(options.json ? json({ file, keys: exported }) : `${exported} keys in ${file}\n`)
}

const subcommand = (name: string, description: string): Command =>
  new Command(name).description(description).option('--json', 'for programs')

/** `wheelctl trust …` */
export const trustCommand = (): Command =>
  new Command('trust')
    .description('whose signatures count')
    .addCommand(
      subcommand('add', 'adds a key, or gives one that is there another level')
        .requiredOption('--key <file>', 'PEM of the public key')
        .requiredOption('--level <level>', 'trusted, unknown or distrusted', parseLevel)
        .option('--reason <text>', 'why', '')
        .option('--identifier <text>', 'whose it is (default: the name of the file)')
        .option('--comment <text>', 'anything else', '')
        .action(add),
    )
    .addCommand(subcommand('list', 'every key').action(list))
    .addCommand(
      subcommand('remove', 'forgets a key; what it signed is then signed by nobody who is known')
        .requiredOption('--fingerprint <hex>', 'which')
        .action(remove),
    )
    .addCommand(
      subcommand('distrust', 'refuses what a key signed, in every mode, and stops what runs on its word')
        .requiredOption('--fingerprint <hex>', 'which')
        .option('--reason <text>', 'why', '')
        .action(distrust),
    )
    .addCommand(
      subcommand('import', 'adds the keys of another trust store that are not here')
        .requiredOption('--file <file>', 'a trust_store.json')
        .action(importKeys),
    )
    .addCommand(
      subcommand('export', 'writes the keys into a file that another rig can import')
        .requiredOption('--file <file>', 'where to; - for stdout')
        .option('--include-system <boolean>', 'with the system keys: true or false', parseYesNo, false)
        .action(exportKeys),
    )
