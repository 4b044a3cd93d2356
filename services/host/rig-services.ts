import { fileURLToPath } from 'node:url'
import type { PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Frozen } from '../../input/freeze.ts'
import type { Home } from '../../rpc/home.ts'
import { type RestartPolicy, standardRestart } from '../../supervision/restart.ts'
import type { Config } from './config.ts'
import { usefulEnvironment, wasmRunnerConfinement } from './confinement.ts'
import type { ServiceProgram } from './service-process.ts'
import type { ServiceSpec } from './supervisor.ts'

/** The services that the host runs, in the order in which they need each other. */
const names = ['trust', 'wasm-runner', 'dsp-helper'] as const

/**
 * The loop ends 30 s after the dsp-helper told it the last time that it is wanted (`LEASE_NS` in native/wheel-rt.c), so the
 * helper is never given up, and never waited for long.
 */
const helperRestart: RestartPolicy = { ...standardRestart, maxDelayMs: 5000, intensity: null }

/** What each service of a rig is started with. They find the home in the environment, as we did. `granted`: to Safe plugins, at that moment. */
export function rigServices(
  home: Home,
  config: Frozen<Config>,
  logLevel: string,
  environment: NodeJS.ProcessEnv,
  granted: () => readonly PathGrant[],
): readonly ServiceSpec[] {
  const given = {
    ...environment,
    OPENRACING_LOG_LEVEL: logLevel,
    OPENRACING_PLUGIN_LOG_LEVEL: config.logging.plugins.level,
    OPENRACING_LED_COUNT: String(config.leds.count),
  }
  // Strangers' code is in the process of one of them; a Fast plugin has a process of its own, which confines itself.
  const confined: Partial<ServiceProgram> = {
    environment: usefulEnvironment(given),
    confinement: wasmRunnerConfinement(home, given, granted),
  }
  return names.map((name) => ({
    name,
    program: {
      file: fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url)),
      args: [],
      environment: given,
      ...(name === 'wasm-runner' ? confined : {}),
    },
    socket: home.socket(name),
    ...(name === 'dsp-helper' && { restart: helperRestart }),
  }))
}
