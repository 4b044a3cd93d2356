/** What was found out about an artefact, apart from what policy makes of it. */
export type Finding = 'unsigned' | 'bad proof' | 'unknown key' | 'distrusted' | 'trusted'

/** The operator's two keys, `plugins.native.*` in the configuration. */
export interface TrustMode {
  readonly requireSignatures: boolean
  readonly allowUnsigned: boolean
}

export type Decision = 'load' | 'load with warning' | 'refuse'

export interface Verdict {
  readonly decision: Decision
  /** What follows from the finding, as half a sentence. */
  readonly consequence: string
}

type ModeName = 'strict' | 'permissive' | 'development'

/** Neither key set is strict: nobody gets less safety by leaving out a word. */
function nameOf(mode: TrustMode): ModeName {
  if (!mode.allowUnsigned) return 'strict'
  return mode.requireSignatures ? 'permissive' : 'development'
}

const table: Readonly<Record<Finding, Readonly<Record<ModeName, Decision>>>> = {
  unsigned: { strict: 'refuse', permissive: 'load with warning', development: 'load with warning' },
  trusted: { strict: 'load', permissive: 'load', development: 'load' },
  'unknown key': { strict: 'refuse', permissive: 'refuse', development: 'load with warning' },
  'bad proof': { strict: 'refuse', permissive: 'refuse', development: 'refuse' },
  distrusted: { strict: 'refuse', permissive: 'refuse', development: 'refuse' },
}

const remedy: Readonly<Record<Finding, string>> = {
  unsigned: 'sign it, or set plugins.native.allow_unsigned to true while you develop it',
  trusted: '',
  'unknown key': 'add the key to the trust store if you trust its owner',
  'bad proof': 'get the artefact and its signature again from its author',
  distrusted: 'remove the plugin',
}

/** The trust table: what one finding means in one mode. */
export function decide(finding: Finding, mode: TrustMode): Verdict {
  const name = nameOf(mode)
  const decision = table[finding][name]
  const consequences: Readonly<Record<Decision, string>> = {
    load: 'it loads',
    'load with warning': `it loads all the same, because this rig is in ${name} mode`,
    refuse: `${name} mode refuses it: ${remedy[finding]}`,
  }
  return { decision, consequence: consequences[decision] }
}
