import { type Plugin, PluginServiceClient } from '../gen/proto/openracing/v1/plugin.ts'
import { type Rig, RigServiceClient } from '../gen/proto/openracing/v1/rig.ts'
import { type Service, SupervisorServiceClient } from '../gen/proto/openracing/v1/supervisor.ts'
import { call, connect, within } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'

/** Everything that the demo shows, as the API told it at one time. */
export interface Reading {
  /** ms of a clock that does not go back. */
  readonly atMs: number
  readonly rig: Rig
  readonly plugins: readonly Plugin[]
  readonly services: readonly Service[]
}

/** Reads the rig through its public API, and follows its lights. */
export interface Observer {
  read(): Promise<Reading>
  /** Most LEDs lit in one frame since the previous call. */
  takeMaxLit(): number
  close(): void
}

/** LEDs of a frame that are not black. `rgb`: three bytes each. */
export function countLit(rgb: Uint8Array): number {
  let lit = 0
  for (let at = 0; at + 2 < rgb.length; at += 3) if (rgb[at] || rgb[at + 1] || rgb[at + 2]) lit += 1
  return lit
}

/** How long a reading may take, ms: a machine that other programs use has been seen to stand still for two seconds. */
const deadlineMs = 10_000

export function observe(address: string): Observer {
  const rigs = connect(RigServiceClient, address)
  const plugins = connect(PluginServiceClient, address)
  const supervisor = connect(SupervisorServiceClient, address)
  let maxLit = 0
  const leds = rigs.watchLeds({})
  leds.on('data', ({ frame }) => {
    if (frame !== undefined) maxLit = Math.max(maxLit, countLit(frame.rgb))
  })
  leds.on('error', () => undefined) // a host that goes away is noticed by read()

  async function readRig(): Promise<Rig> {
    const { rig } = await call<{ rig?: Rig | undefined }>((done) => rigs.getRig({}, ...within(deadlineMs), done))
    if (rig === undefined) throw new RigError('SERVICE_UNAVAILABLE', 'the host answered without a rig')
    return rig
  }

  return {
    read: async () => {
      const [rig, listed, served] = await Promise.all([
        readRig(),
        call<{ plugins: readonly Plugin[] }>((done) => plugins.listPlugins({}, ...within(deadlineMs), done)),
        call<{ services: readonly Service[] }>((done) => supervisor.listServices({}, ...within(deadlineMs), done)),
      ])
      return { atMs: performance.now(), rig, plugins: listed.plugins, services: served.services }
    },
    takeMaxLit: () => {
      const most = maxLit
      maxLit = 0
      return most
    },
    close: () => {
      leds.cancel()
      for (const client of [rigs, plugins, supervisor]) client.close()
    },
  }
}
