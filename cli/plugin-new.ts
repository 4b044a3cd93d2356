import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { RigError, systemFailure } from '../rpc/failure.ts'

const sdk = (path: string): string => fileURLToPath(new URL(`../sdk/${path}`, import.meta.url))

const templates = ['led', 'telemetry', 'action', 'zenith', 'filter'] as const
const languages = ['assemblyscript', 'c'] as const
type Template = (typeof templates)[number]
type Language = (typeof languages)[number]

/** What a project is made of. */
interface Recipe {
  /** Folders of sdk/templates/, one over the other. */
  readonly folders: readonly string[]
  /** Files of sdk/c/. */
  readonly headers: readonly string[]
  /** Nothing but its module describes it: that is built where a plugin without a manifest has it. */
  readonly bare?: true
}

const inAssemblyScript = (folder: string): Recipe => ({ folders: ['assemblyscript', folder], headers: [] })
const inC = (folder: string, ...headers: readonly string[]): Recipe => ({ folders: ['c-wasm', folder], headers })

const recipes: Readonly<Record<Language, Partial<Record<Template, Recipe>>>> = {
  assemblyscript: {
    led: inAssemblyScript('assemblyscript-led'),
    telemetry: inAssemblyScript('assemblyscript-telemetry'),
    action: inAssemblyScript('assemblyscript-action'),
    zenith: { ...inAssemblyScript('assemblyscript-zenith'), bare: true },
  },
  c: {
    led: inC('c-led', 'safe_plugin.h'),
    telemetry: inC('c-telemetry', 'safe_plugin.h'),
    zenith: { ...inC('c-zenith'), bare: true },
    filter: { folders: ['c', 'c-filter'], headers: ['plugin.h'] },
  },
}

/** Every combination that exists, for a sentence. */
const combinations = languages
  .map((language) => `${language} has ${Object.keys(recipes[language]).join(', ')}`)
  .join('; ')

function recipeOf(template: Template, language: Language): Recipe {
  const recipe = recipes[language][template]
  if (recipe !== undefined) return recipe
  const others = languages.filter((other) => recipes[other][template] !== undefined)
  throw new RigError(
    'REQUEST_INVALID',
    `there is no template ${template} in ${language}: ${combinations}; take --language ${others.join(' or ')} for it`,
  )
}

/** The name is that of a directory, of a file and of a package. */
function checkName(name: string): void {
  if (/^[a-z][a-z0-9-]{0,62}[a-z0-9]$/.test(name)) return
  const what = `the name ${JSON.stringify(name.slice(0, 80))} cannot be that of a plugin`
  throw new RigError(
    'REQUEST_INVALID',
    `${what}; take 2 to 64 of a-z, 0-9 and -, with a letter first and no - at the end`,
  )
}

/** What a project's files say of it. */
interface Words {
  readonly name: string
  readonly id: string
  /** Where its module is built. */
  readonly module: string
  /** Where the SDK for AssemblyScript is, as in a string of JSON, the only place where it stands. */
  readonly sdk: string
}

const fill = (text: string, words: Words): string =>
  Object.entries(words).reduce((filled, [word, value]) => filled.replaceAll(`{{${word}}}`, () => value), text)

function wordsOf(name: string, { bare }: Recipe): Words {
  const module = bare ? `${name}.wasm` : `build/${name}.wasm`
  return { name, id: randomUUID(), module, sdk: JSON.stringify(sdk('assemblyscript')).slice(1, -1) }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

function write(directory: string, recipe: Recipe): void {
  const words = wordsOf(basename(directory), recipe)
  for (const folder of recipe.folders.map((each) => sdk(`templates/${each}`))) {
    for (const file of filesBelow(folder)) {
      // npm leaves a .gitignore out of what it packs.
      const target = join(directory, file.replace(/(^|\/)gitignore$/, '$1.gitignore'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, fill(readFileSync(join(folder, file), 'utf8'), words))
    }
  }
  for (const header of recipe.headers) writeFileSync(join(directory, header), readFileSync(sdk(`c/${header}`)))
}

/** Makes a directory that is not there yet. */
function makeNew(directory: string): void {
  try {
    mkdirSync(directory)
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    const what = exists ? `${directory} exists already` : `${directory} cannot be made (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'REQUEST_INVALID'), `${what}; take another name or directory`, { cause })
  }
}

export interface NewPlugin {
  readonly template: Template
  readonly language?: Language
}

/** Makes the project `name` in a directory of its own below `parent`; returns its path. Overwrites nothing. */
export function createPlugin(parent: string, name: string, { template, language }: NewPlugin): string {
  const recipe = recipeOf(template, language ?? (template === 'filter' ? 'c' : 'assemblyscript'))
  checkName(name)
  const directory = resolve(parent, name)
  makeNew(directory)
  try {
    write(directory, recipe)
  } catch (cause) {
    rmSync(directory, { recursive: true, force: true })
    throw cause
  }
  return directory
}

function create(name: string, options: NewPlugin): void {
  const directory = createPlugin(process.cwd(), name, options)
  process.stdout.write(`${directory}\n`)
  process.stderr.write('README.md in it says how it is built\n')
}

/** `wheelctl plugin new` */
export const newPluginCommand = (): Command =>
  new Command('new')
    .description('make a project for a plugin, in a directory of its own')
    .argument('<name>', 'its name, and that of the directory')
    .addOption(new Option('--template <kind>', 'what it does').choices(templates).makeOptionMandatory())
    .addOption(new Option('--language <language>', 'assemblyscript, and c for a filter').choices(languages))
    .action(create)
