import type { Logger } from 'pino'
import { torqueMaxNm } from '../../gen/layout.ts'
import type {
  DspHelperServiceServer,
  FastPluginSpec,
  SetChainRequest,
} from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { Waiting } from '../../gen/proto/openracing/v1/rig.ts'
import { invalidField } from '../../rpc/failure.ts'
import { unary } from '../../rpc/unary.ts'
import { type Limits, noLimits } from './control.ts'
import type { DataPlane } from './data-plane.ts'
import { checkRate, rateOf } from './rate.ts'

function checkNumber(place: string, value: number, min: number, max: number, unit: string): number {
  if (value >= min && value <= max) return value
  throw invalidField(place, `is ${value}; it must be from ${min} to ${max} ${unit}`)
}

function readLimits({ limits }: SetChainRequest): Limits {
  if (limits === undefined) return noLimits
  return {
    gain: checkNumber('limits.gain', limits.gain, 0, 1, 'of full strength'),
    maxTorqueNm: checkNumber('limits.max_torque_nm', limits.maxTorqueNm, 0, torqueMaxNm, 'N·m'),
    maxSlewNmPerS: checkNumber('limits.max_slew_nm_per_s', limits.maxSlewNmPerS, 1, 1e6, 'N·m/s'),
    simulatedWheel: limits.simulatedWheel,
    assent: limits.assent,
    waiting: limits.waiting === Waiting.WAITING_FUTEX ? 'futex' : 'predictive',
  }
}

function checkAbsolute(place: string, path: string): void {
  if (path.startsWith('/')) return
  throw invalidField(place, `is ${JSON.stringify(path)}; it must be an absolute path`)
}

function checkSpecs(specs: readonly FastPluginSpec[]): readonly FastPluginSpec[] {
  for (const [index, spec] of specs.entries()) {
    const place = `plugins[${index}]`
    checkNumber(`${place}.budget_us`, spec.budgetUs, 1, 200, 'µs')
    checkRate(`${place}.update_rate_hz`, rateOf(spec))
    for (const key of ['path', 'directory'] as const) checkAbsolute(`${place}.${key}`, spec[key])
    if (spec.id === '' || specs.findIndex((other) => other.id === spec.id) !== index) {
      throw invalidField(`${place}.id`, `is ${JSON.stringify(spec.id)}; each plugin needs an id of its own`)
    }
  }
  return specs
}

/** The handlers of DspHelperService. */
export const dspHelperHandlers = (plane: DataPlane, log: Logger): DspHelperServiceServer => ({
  setChain: unary(async (request) => {
    await plane.setChain(checkSpecs(request.plugins), readLimits(request))
    return {}
  }, log),
  endFastPlugins: unary(async ({ ids }) => {
    await plane.end(ids)
    return {}
  }, log),
  listFastPlugins: unary(() => ({ plugins: plane.plugins() }), log),
  getDataPlane: unary(() => {
    const { pid, restarts } = plane.wheelRt()
    const { landlock, seccomp } = plane.missingSandbox()
    return {
      wheelRtPid: pid,
      wheelRtRestarts: restarts,
      adopted: plane.adopted,
      landlockMissing: landlock,
      seccompMissing: seccomp,
    }
  }, log),
})
