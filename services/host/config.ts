import { z } from 'zod'
import { torqueAssentNm, torqueMaxNm } from '../../gen/layout.ts'
import { documentMaxBytes, parseYaml } from '../../input/document.ts'
import { type Frozen, freezeDeep } from '../../input/freeze.ts'
import { integerWithin, numberWithin } from '../../input/number.ts'
import { readTextFile } from '../../input/text-file.ts'
import { wordOrMap } from '../../input/word-or-map.ts'
import type { CallLimits } from '../../rpc/call-limiter.ts'
import type { Role } from '../../rpc/peer.ts'
import { type ConductPolicy, conductNumbers } from './conduct-policy.ts'
import { parseListenAddress, parseRemoteAddress } from './config-listen.ts'
import { type Capability, capabilities } from './manifest-schema.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type LogLevel = (typeof logLevels)[number]

/** What a plugin that was built for WASI is started with. */
export interface Program {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** The operator's `config.yaml`, complete: a key that the file does not have has its default here. */
export interface Config {
  /** Where the public API listens, `host:port`, loopback only. Port 0 lets the system choose. */
  readonly listen: string
  readonly access: {
    /** What a program of this machine may do that comes by `listen`, where nobody knows whose it is; null: nothing. */
    readonly loopback: Role | null
    /** Of one caller. */
    readonly limits: CallLimits
  }
  readonly remote: {
    /** Where those from elsewhere come in, with TLS and a certificate of the rig's CA: `host:port`; null: nowhere. */
    readonly listen: string | null
  }
  readonly plugins: {
    /**
     * Names of directories below the plugin directory, or null when the file does not have the key. Where the file has
     * it, exactly these are loaded, whatever `autoLoad` says.
     */
    readonly enabled: readonly string[] | null
    /**
     * By directory, what its plugin is granted by the user's word in `auto_grant`, beside what needs none. A name that is
     * not here is granted nothing more.
     */
    readonly autoGrant: Readonly<Record<string, readonly Capability[]>>
    /** Up to which risk every plugin is granted what its manifest asks for, without anybody's word. */
    readonly autoGrantRisk: 'low' | 'medium'
    /** By directory, what its plugin finds as the arguments and the environment of a program of WASI: nothing where it is not here. */
    readonly program: Readonly<Record<string, Program>>
    /** Without `enabled`: true loads every plugin that is there, false loads none. */
    readonly autoLoad: boolean
    readonly native: {
      /** With `allowUnsigned` the trust table's. They hold for Safe plugins too, whatever the section's name says. */
      readonly requireSignatures: boolean
      readonly allowUnsigned: boolean
      /** What no trusted key has signed together with its manifest is refused. */
      readonly requireBundleSignature: boolean
      /** Fast plugins run also where the kernel has no landlock or no seccomp to confine them. */
      readonly allowUnsandboxed: boolean
    }
    /** What follows when plugins misbehave. */
    readonly quarantinePolicy: ConductPolicy
  }
  readonly logging: {
    readonly level: LogLevel
    /** For what plugins log; `logging.level` where the file does not say. */
    readonly plugins: { readonly level: LogLevel }
  }
  readonly ffb: {
    /** Multiplies the game's torque, 0..1. */
    readonly gain: number
    /** Largest torque in either direction, N·m, 0.1..25; above 5 only with `allowHighTorque`. */
    readonly maxTorqueNm: number
    /** The operator's assent to more than 5 N·m. */
    readonly allowHighTorque: boolean
    /** Fastest change of the torque, N·m/s. */
    readonly maxSlewNmPerS: number
  }
  readonly leds: {
    /** LEDs on the wheel, 1..64. */
    readonly count: number
  }
  readonly device: 'simulated'
  readonly telemetry: {
    /** Who feeds the loop: the hub, with the force of the games, or a program of the operator's own. */
    readonly input: 'hub' | 'external'
  }
  readonly rt: {
    /** How the loop and the processes of Fast plugins wait for each other. */
    readonly waiting: 'predictive' | 'futex'
  }
}

/** A section whose keys are all optional. `plugins:` with nothing below it is the same as no `plugins:`. */
function section<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape))
}

const listen = z.string('write host:port, such as 127.0.0.1:50051').transform((text, context): string => {
  const parsed = parseListenAddress(text)
  if ('address' in parsed) return parsed.address
  context.addIssue(parsed.remedy)
  return z.NEVER
})

const remoteListen = z.string('write host:port, such as 0.0.0.0:50052').transform((text, context): string => {
  const parsed = parseRemoteAddress(text)
  if ('address' in parsed) return parsed.address
  context.addIssue(parsed.remedy)
  return z.NEVER
})

/** A plugin's directory: one path component. */
const directory = z
  .string()
  .regex(/^(?!\.{1,2}$)[^/\0]{1,255}$/, 'write the name of a directory in the plugin directory, without a path')

/** Of a program of WASI: its argument, or the value of a variable. */
const word = z.string().regex(/^[^\0]{0,1024}$/, 'write at most 1024 characters without a NUL')
const isVariable = (name: string): boolean => /^[A-Za-z_]\w{0,63}$/.test(name)
const programWordsMax = 64

/** A plugin that is to run and is granted something by name, or given something. */
const grantee = z.strictObject({
  name: directory,
  auto_grant: z.array(z.enum(capabilities)).default([]),
  arguments: z.array(word).max(programWordsMax).default([]),
  environment: z
    .record(z.string(), word)
    .superRefine((variables, context) => {
      const names = Object.keys(variables)
      const message = 'name it with 1 to 64 letters, digits and underscores'
      for (const name of names.filter((each) => !isVariable(each)))
        context.addIssue({ code: 'custom', path: [name], message })
      if (names.length > programWordsMax)
        context.addIssue({ code: 'custom', message: `write at most ${programWordsMax} variables` })
    })
    .default({}),
})

/** The name alone, or the name and what it is granted. */
const enabledPlugin = wordOrMap(
  directory.transform((name): z.infer<typeof grantee> => ({ name, auto_grant: [], arguments: [], environment: {} })),
  grantee,
)

const enabled = z
  .array(enabledPlugin)
  .refine((plugins) => new Set(plugins.map(({ name }) => name)).size === plugins.length, 'name each directory once')

const conductNumber = (key: keyof ConductPolicy) => {
  const { minimum, maximum, default: standard } = conductNumbers[key]
  return integerWithin(minimum, maximum).default(standard)
}

const quarantinePolicy = section({
  max_crashes: conductNumber('maxCrashes'),
  max_capability_violations: conductNumber('maxCapabilityViolations'),
  max_timeout_violations: conductNumber('maxTimeoutViolations'),
  max_budget_violations: conductNumber('maxBudgetViolations'),
  window_minutes: conductNumber('windowMinutes'),
  throttle_from_budget_violation: conductNumber('throttleFromBudgetViolation'),
  restore_after_minutes: conductNumber('restoreAfterMinutes'),
  min_safe_rate_hz: conductNumber('minSafeRateHz'),
  min_fast_rate_hz: conductNumber('minFastRateHz'),
  quarantine_duration_minutes: conductNumber('quarantineDurationMinutes'),
  max_quarantine_level: conductNumber('maxQuarantineLevel'),
  level_decay_hours: conductNumber('levelDecayHours'),
})

const completePolicy = (policy: Frozen<z.infer<typeof quarantinePolicy>>): ConductPolicy => ({
  maxCrashes: policy.max_crashes,
  maxCapabilityViolations: policy.max_capability_violations,
  maxTimeoutViolations: policy.max_timeout_violations,
  maxBudgetViolations: policy.max_budget_violations,
  windowMinutes: policy.window_minutes,
  throttleFromBudgetViolation: policy.throttle_from_budget_violation,
  restoreAfterMinutes: policy.restore_after_minutes,
  minSafeRateHz: policy.min_safe_rate_hz,
  minFastRateHz: policy.min_fast_rate_hz,
  quarantineDurationMinutes: policy.quarantine_duration_minutes,
  maxQuarantineLevel: policy.max_quarantine_level,
  levelDecayHours: policy.level_decay_hours,
})

const ffb = section({
  gain: numberWithin(0, 1).default(0.8),
  max_torque_nm: numberWithin(0.1, torqueMaxNm).default(torqueAssentNm),
  allow_high_torque: z.boolean().default(false),
  max_slew_nm_per_s: numberWithin(1, 1_000_000).default(5000), // 5 N·m in 1 ms: the whole default torque in one tick
}).superRefine(({ max_torque_nm: torqueNm, allow_high_torque: allowed }, context) => {
  if (allowed || torqueNm <= torqueAssentNm || torqueNm > torqueMaxNm) return // the last is told already
  const remedy = `write at most ${torqueAssentNm}, or also set ffb.allow_high_torque: true`
  const meaning = 'it says that you accept a wheel that can break a wrist'
  context.addIssue({ code: 'custom', path: ['max_torque_nm'], message: `${remedy}; ${meaning}` })
})

const configFile = section({
  listen: listen.default('127.0.0.1:50051'),
  access: section({
    loopback: z.enum(['none', 'viewer', 'operator']).default('operator'),
    calls_per_second: integerWithin(10, 1_000_000).default(2000),
    open_calls: integerWithin(1, 100_000).default(256),
  }),
  remote: section({ listen: remoteListen.optional() }),
  plugins: section({
    enabled: enabled.optional(),
    auto_load: z.boolean().default(true),
    // FileSystem, which is of high risk, is granted to one plugin at a time.
    auto_grant_risk: z.enum(['low', 'medium']).default('low'),
    native: section({
      require_signatures: z.boolean().default(true),
      allow_unsigned: z.boolean().default(false),
      allow_unsandboxed: z.boolean().default(false),
      require_bundle_signature: z.boolean().default(false),
    }),
    quarantine_policy: quarantinePolicy,
  }),
  logging: section({
    level: z.enum(logLevels).default('info'),
    plugins: section({ level: z.enum(logLevels).optional() }),
  }),
  ffb,
  leds: section({ count: integerWithin(1, 64).default(15) }),
  device: z.enum(['simulated']).default('simulated'),
  telemetry: section({ input: z.enum(['hub', 'external']).default('hub') }),
  rt: section({ waiting: z.enum(['predictive', 'futex']).default('predictive') }),
})

function complete(file: Frozen<z.infer<typeof configFile>>): Config {
  const { access, plugins, logging, ffb } = file
  return {
    listen: file.listen,
    access: {
      loopback: access.loopback === 'none' ? null : access.loopback,
      limits: { callsPerSecond: access.calls_per_second, openCalls: access.open_calls },
    },
    remote: { listen: file.remote.listen ?? null },
    plugins: {
      enabled: plugins.enabled?.map(({ name }) => name) ?? null,
      autoGrant: Object.fromEntries(
        (plugins.enabled ?? [])
          .filter((plugin) => plugin.auto_grant.length > 0)
          .map((plugin) => [plugin.name, plugin.auto_grant]),
      ),
      program: Object.fromEntries(
        (plugins.enabled ?? [])
          .filter(({ arguments: words, environment }) => words.length > 0 || Object.keys(environment).length > 0)
          .map(({ name, arguments: words, environment }) => [name, { arguments: words, environment }]),
      ),
      autoGrantRisk: plugins.auto_grant_risk,
      autoLoad: plugins.auto_load,
      native: {
        requireSignatures: plugins.native.require_signatures,
        allowUnsigned: plugins.native.allow_unsigned,
        allowUnsandboxed: plugins.native.allow_unsandboxed,
        requireBundleSignature: plugins.native.require_bundle_signature,
      },
      quarantinePolicy: completePolicy(plugins.quarantine_policy),
    },
    logging: { level: logging.level, plugins: { level: logging.plugins.level ?? logging.level } },
    ffb: {
      gain: ffb.gain,
      maxTorqueNm: ffb.max_torque_nm,
      allowHighTorque: ffb.allow_high_torque,
      maxSlewNmPerS: ffb.max_slew_nm_per_s,
    },
    leds: { count: file.leds.count },
    device: file.device,
    telemetry: file.telemetry,
    rt: file.rt,
  }
}

/** Reads the text of a `config.yaml`. Throws RigError CONFIG_INVALID; `file` is how its sentence names the file. */
export const parseConfig = (text: string, file: string): Frozen<Config> =>
  freezeDeep(complete(parseYaml(text, configFile, { file, code: 'CONFIG_INVALID' })))

/**
 * The configuration in a file; all defaults when there is no file. Throws RigError CONFIG_INVALID, or FILE_MISSING when
 * the file is there and cannot be read.
 */
export function readConfig(path: string): Frozen<Config> {
  return parseConfig(readTextFile(path, documentMaxBytes, 'CONFIG_INVALID') ?? '', path)
}
