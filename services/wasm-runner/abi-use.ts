import { RigError } from '../../rpc/failure.ts'
import { type Abi, isTicking, type OnCallAbi, type TickingAbi } from './abi.ts'
import type { SafeOperation } from './plugin-spec.ts'

const invalid = (sentence: string): RigError => new RigError('PLUGIN_INVALID', sentence)

/** What a plugin of openracing-env-1 can be asked for: its one function answers with a force. */
const rawOperation: SafeOperation = 'TelemetryProcessor'

/** Throws PLUGIN_INVALID for a module that does not tick, or that has nothing to answer one of its operations with. */
export function asTicking(abi: Abi, operations: readonly SafeOperation[]): TickingAbi {
  if (!isTicking(abi)) {
    throw invalid(
      `the module is one of ${abi}, which runs when somebody asks and not at a rate; describe it with a plugin.toml, or with no manifest at all`,
    )
  }
  const other = operations.find((operation) => operation !== rawOperation)
  if (abi !== 'openracing-env-1' || other === undefined) return abi
  throw invalid(
    `the module is one of ${abi}, whose process answers with a force and nothing else; take ${other} out of its operations, or build it for openracing-sdk-1`,
  )
}

/** Throws PLUGIN_INVALID for a module that ticks. */
export function asOnCall(abi: Abi): OnCallAbi {
  if (!isTicking(abi)) return abi
  throw invalid(
    `the module is one of ${abi}, which runs at a rate and not when somebody asks; describe it with a plugin.yaml`,
  )
}
