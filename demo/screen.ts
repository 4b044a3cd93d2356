import { distributionOf, emptyHistogram } from '../cli/distribution.ts'
import type { Plugin } from '../gen/proto/openracing/v1/plugin.ts'
import type { LedFrame } from '../gen/proto/openracing/v1/rig.ts'
import { pluginClassWord, pluginStateWord, serviceStateWord } from '../rpc/words.ts'
import { countLit, type Reading } from './reading.ts'

/** How a line is drawn: with colours on a terminal, without where they are not wanted. */
export interface Style {
  readonly colour: boolean
}

const bars = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█']

/** A bar of `width` cells, `share` (0..1) of it full, to an eighth of a cell. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const rest = bars[eighths % 8] as string
  return '█'
    .repeat(Math.floor(eighths / 8))
    .concat(eighths % 8 ? rest : '')
    .padEnd(width)
}

/** A bar that grows from the middle: left for negative, right for positive `share` (-1..1). */
export function centredBar(share: number, halfWidth: number): string {
  const cells = Math.round(Math.min(1, Math.abs(share)) * halfWidth)
  const filled = '█'.repeat(cells)
  return share < 0
    ? `${filled.padStart(halfWidth)}│${' '.repeat(halfWidth)}`
    : `${' '.repeat(halfWidth)}│${filled.padEnd(halfWidth)}`
}

/** The LEDs of the rim, in their colours or as letters. */
export function drawLeds(leds: LedFrame | undefined, style: Style): string {
  if (leds === undefined) return '-'
  const cells: string[] = []
  for (let at = 0; at + 2 < leds.rgb.length; at += 3) {
    const [red = 0, green = 0, blue = 0] = leds.rgb.subarray(at, at + 3)
    const lit = red > 0 || green > 0 || blue > 0
    if (!lit) cells.push('·')
    else cells.push(style.colour ? `\x1b[38;2;${red};${green};${blue}m●\x1b[0m` : '●')
  }
  return cells.join(style.colour ? ' ' : '')
}

const fixed = (value: number, width: number, digits: number): string => value.toFixed(digits).padStart(width)

function drawPlugin(plugin: Plugin, rateHz: number): string {
  const { p50, p99 } = distributionOf(plugin.statistics?.cpu ?? emptyHistogram)
  const violations = Number(plugin.statistics?.budgetViolations ?? 0n)
  const failures = Number(plugin.statistics?.failures ?? 0n)
  return [
    plugin.name.padEnd(12).slice(0, 12),
    pluginClassWord(plugin),
    pluginStateWord(plugin).padEnd(9),
    `${fixed(rateHz, 6, 1)} Hz`,
    `cpu ${fixed(p50, 6, 1)} / ${fixed(p99, 6, 1)} µs`,
    `violations ${violations}`,
    `failures ${failures}`,
    `missed ${plugin.statistics?.missedDeadlines ?? 0n}`,
  ].join('  ')
}

/** Calls a second of a plugin between two readings. */
function rateHz(plugin: Plugin, before: Reading, now: Reading): number {
  const earlier = before.plugins.find((other) => other.id === plugin.id)?.statistics?.executions ?? 0n
  const later = plugin.statistics?.executions ?? 0n
  const seconds = (now.atMs - before.atMs) / 1000
  return seconds > 0 && later >= earlier ? Number(later - earlier) / seconds : 0
}

/** Full strength of the torque bars, N·m: the clamp of a rig that was not told otherwise. */
const torqueScaleNm = 5

/** The lines of the screen. `before`: a reading of about a second ago, for rates. */
export function draw(title: string, before: Reading, now: Reading, style: Style): readonly string[] {
  const { loop, torque, telemetry, leds } = now.rig
  const lateness = distributionOf(loop?.lateness ?? emptyHistogram)
  const bold = (text: string): string => (style.colour ? `\x1b[1m${text}\x1b[0m` : text)
  const rpm = telemetry?.rpm ?? 0
  return [
    bold(title),
    '',
    `rpm     ${fixed(rpm, 6, 0)}  ${bar(rpm / Math.max(1, telemetry?.maxRpm ?? 0), 32)}  gear ${telemetry?.gear ?? 0}  ${fixed((telemetry?.speedMs ?? 0) * 3.6, 5, 0)} km/h`,
    `leds    ${drawLeds(leds, style)}`,
    `torque  in  ${fixed(torque?.inNm ?? 0, 6, 2)} N·m  ${centredBar((torque?.inNm ?? 0) / torqueScaleNm, 16)}`,
    `        out ${fixed(torque?.outNm ?? 0, 6, 2)} N·m  ${centredBar((torque?.outNm ?? 0) / torqueScaleNm, 16)}  scalar ${fixed(torque?.ffbScalar ?? 0, 5, 2)}`,
    '',
    bold('plugins'),
    ...now.plugins.map((plugin) => `  ${drawPlugin(plugin, rateHz(plugin, before, now))}`),
    '',
    bold('loop'),
    `  ticks ${loop?.ticks ?? 0n}  missed ${loop?.missedTicks ?? 0n}  late p50 ${lateness.p50.toFixed(0)} p99 ${lateness.p99.toFixed(0)} max ${lateness.max.toFixed(0)} µs  ${loop?.realtime ? 'SCHED_FIFO' : 'no real-time priority'}`,
    `  telemetry frames ${telemetry?.frames ?? 0n}  dropped ${telemetry?.droppedPackets ?? 0n}`,
    '',
    bold('services'),
    `  ${now.services.map(({ name, state, restarts }) => `${name} ${serviceStateWord(state)} (${restarts} restarts)`).join('  ')}`,
  ]
}

/** One line for a log: the same rig, without the picture. */
export function drawLine(before: Reading, now: Reading): string {
  const { loop, torque, telemetry, leds } = now.rig
  const rates = now.plugins.map((plugin) => `${plugin.name} ${rateHz(plugin, before, now).toFixed(0)} Hz`).join(', ')
  const lit = leds === undefined ? 0 : countLit(leds.rgb)
  return (
    `rpm ${(telemetry?.rpm ?? 0).toFixed(0)}  leds ${lit}  torque ${(torque?.inNm ?? 0).toFixed(2)} -> ${(torque?.outNm ?? 0).toFixed(2)} N·m` +
    `  ticks ${loop?.ticks ?? 0n} missed ${loop?.missedTicks ?? 0n}  ${rates}`
  )
}
