import type { Command } from 'commander'
import { RigError } from '../rpc/failure.ts'
import type { OnCallAbi } from '../services/wasm-runner/abi.ts'
import type { ActionOptions } from './action-options.ts'
import type { OperationOptions } from './operation-options.ts'

/** What `wheelctl plugin test` is asked with. */
export interface TestOptions extends ActionOptions, OperationOptions {
  readonly input?: string
  readonly output?: string
  readonly action?: string
  readonly leds: number
  readonly ticks?: boolean
  readonly json?: boolean
}

/** What a plugin is asked for, and so with which options. */
export type TestKind = 'ticking' | OnCallAbi

const kindsOf: Readonly<Record<Exclude<keyof TestOptions, 'json'>, readonly TestKind[]>> = {
  input: ['ticking', 'zenith-1'],
  leds: ['ticking'],
  ticks: ['ticking'],
  ...{ action: ['midimon-action-1'], param: ['midimon-action-1'], velocity: ['midimon-action-1'] },
  ...{ note: ['midimon-action-1'], cc: ['midimon-action-1'], value: ['midimon-action-1'], mode: ['midimon-action-1'] },
  ...{ output: ['zenith-1'], operation: ['zenith-1'], params: ['zenith-1'] },
  ...{ outputBytes: ['zenith-1'], elementBytes: ['zenith-1'] },
}

const kindWords: Readonly<Record<TestKind, string>> = {
  ticking: 'a plugin that runs at a rate',
  'midimon-action-1': 'an action (midimon-action-1)',
  'zenith-1': 'a preprocessor (zenith-1)',
}

/** The options that somebody wrote, and what they are for. */
export interface GivenOptions {
  /** Whether there are any for plugins of this kind. */
  has(kind: TestKind): boolean
  /** Throws REQUEST_INVALID where one has no meaning for a plugin of this kind. */
  refuseOthers(kind: TestKind, name: string): void
}

export function givenOptions(command: Command): GivenOptions {
  const options = command.options.flatMap((option) => {
    const name = option.attributeName()
    const kinds = Object.hasOwn(kindsOf, name) ? kindsOf[name as keyof typeof kindsOf] : undefined
    const isGiven = command.getOptionValueSource(name) === 'cli'
    return kinds === undefined ? [] : [{ flag: option.long ?? name, kinds, isGiven }]
  })
  const given = options.filter(({ isGiven }) => isGiven)
  const flagsFor = (kind: TestKind): string =>
    options
      .filter(({ kinds }) => kinds.includes(kind))
      .map(({ flag }) => flag)
      .join(', ')

  return {
    has: (kind) => given.some(({ kinds }) => kinds.includes(kind)),
    refuseOthers(kind, name) {
      const other = given.find(({ kinds }) => !kinds.includes(kind))
      if (other === undefined) return
      const what = `${other.flag} is no option for ${name}, ${kindWords[kind]}`
      throw new RigError('REQUEST_INVALID', `${what}; leave it out, or take one of ${flagsFor(kind)}`)
    },
  }
}
