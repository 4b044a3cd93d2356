import type { Summary } from './summary.ts'

const us = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} µs`

/** The summary for a person. */
export function tell(summary: Summary): readonly string[] {
  const { tick_lateness_us: late, torque } = summary
  return [
    '',
    `${summary.seconds.toFixed(1)} s: ${summary.ticks} ticks, ${summary.missed_ticks} missed; late p50 ${us(late.p50)}, p99 ${us(late.p99)}, p99.9 ${us(late.p999)}, max ${us(late.max)}`,
    `${summary.telemetry_frames} telemetry frames, ${summary.dropped_packets} packets dropped; ${summary.leds.frames} LED frames, ${summary.leds.max_lit} lit at most`,
    `torque in ${torque.in_rms.toFixed(3)} N·m rms, out ${torque.out_rms.toFixed(3)} N·m rms, at most ${torque.max_abs.toFixed(2)} N·m, ${torque.non_finite} not finite`,
    ...summary.plugins.flatMap((plugin) => [
      `${plugin.name} (${plugin.class}, ${plugin.state}): ${plugin.executions} executions, cpu p50 ${us(plugin.cpu_us.p50)}, p99 ${us(plugin.cpu_us.p99)}, max ${us(plugin.cpu_us.max)}; ${plugin.failures} failures, ${plugin.budget_violations} over budget, ${plugin.missed_deadlines} deadlines missed`,
      ...plugin.violations.map(({ kind, count, newest }) => `  ${kind} violations: ${count}; the newest: ${newest}`),
    ]),
    ...summary.services.map((service) => `${service.name}: ${service.state}, ${service.restarts} restarts`),
  ]
}
