import type { ChainRows, LatenessRows, Report } from './report.ts'
import { ending, number, section } from './text.ts'

type Cells = readonly string[]

const us = (value: number | undefined): string => number(value, value !== undefined && value < 10 ? 3 : 1)

const quantiles = ['p50', 'p99', 'p999', 'max'] as const
type Quantiles = Readonly<Record<(typeof quantiles)[number], number>>
const cellsOf = (times: Quantiles | null | undefined): Cells => quantiles.map((name) => us(times?.[name]))

function latenessRows(when: string, { wheel_rt, cyclictest, ratio }: LatenessRows): readonly Cells[] {
  return [
    [`${when} wheel-rt`, ...cellsOf(wheel_rt?.lateness_us), number(wheel_rt?.ticks, 0)],
    [`${when} cyclictest`, ...cellsOf(cyclictest?.lateness_us), number(cyclictest?.ticks, 0)],
    [`${when} ratio`, ...quantiles.map((name) => number(ratio?.[name], 2)), ''],
  ]
}

function chainRows(mode: string, rows: ChainRows): readonly Cells[] {
  return Object.entries(rows).map(([plugins, row]) => [
    `${mode} ${plugins}`,
    number(row?.added_us_per_plugin, 3),
    us(row?.round_trip_us.p50),
    us(row?.round_trip_us.p99),
    us(row?.duration_us.p50),
    us(row?.duration_us.p99),
    number(row?.missed_deadlines, 0),
    number(row?.missed_ticks, 0),
    number(row?.ticks, 0),
    number(row?.cpu_ms_per_s, 1),
  ])
}

/** A report as a person reads it. */
export function tell({ lateness, round_trip, ring_throughput, chain, process, goals, failures }: Report): string {
  const trips = Object.entries(round_trip).map(([name, row]) => [
    name,
    ...cellsOf(row?.round_trip_us),
    number(row?.cpu_ms_per_s, 1),
    number(row?.missed, 0),
    number(row?.round_trips, 0),
  ])
  const throughput = Object.entries(ring_throughput).map(([name, row]) => [
    name,
    number(row?.gb_per_s, 2),
    number(row?.best_gb_per_s, 2),
    number(row === null ? null : row.slots_per_s / 1e6, 1),
    row !== null && 'of_memcpy' in row ? number(row.of_memcpy, 3) : '',
  ])
  const parts = [
    section('Lateness of a tick, µs', [
      ['', 'p50', 'p99', 'p99.9', 'max', 'ticks'],
      ...latenessRows('idle', lateness.idle),
      ...latenessRows('loaded', lateness.loaded),
    ]),
    section('Round trip of one slot at 1 kHz, µs', [
      ['', 'p50', 'p99', 'p99.9', 'max', 'CPU ms/s', 'missed', 'round trips'],
      ...trips,
    ]),
    section('Ring throughput', [['', 'GB/s', 'best GB/s', 'M slots/s', 'of memcpy'], ...throughput]),
    section('Chain of plugins, µs', [
      [
        '',
        'added a plugin',
        'trip p50',
        'trip p99',
        'tick p50',
        'tick p99',
        'missed deadlines',
        'missed ticks',
        'ticks',
        'CPU ms/s',
      ],
      ...chainRows('default', chain.default),
      ...chainRows('futex', chain.futex),
    ]),
    section('Processes', [
      ['', 'p50', 'max'],
      ...Object.entries(process ?? {}).flatMap(([name, spread]) =>
        typeof spread === 'number' ? [] : [[name, number(spread.p50, 1), number(spread.max, 1)]],
      ),
    ]),
    ...ending({ goals, failures }),
  ]
  return parts.join('\n')
}
