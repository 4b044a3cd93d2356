import { networkLimits } from '../../network/limits.ts'
import { type HostFunction, hostSignatures } from './abi.ts'
import { valueBytesMax } from './custom-data.ts'
import type { GuestSide } from './guest.ts'
import { askBytesMax } from './guest-network.ts'
import { hostResult } from './host-result.ts'

/**
 * What a call costs, in units of one instruction: 2 µs on the development machine, where the yardstick does 7000 units a
 * µs and no function takes longer whatever it is given, but for those that read JSON or copy much: 50 µs for 1 KiB of
 * brackets, 11 µs for 1 KiB of a request, whose URL alone may take 270 µs, once in a while (requestRate).
 * Without a price a loop of calls would go on for as long as they take: fuel only knows of the instructions around them.
 */
export const callUnits = 15_000
const jsonByteUnits = 350
const askByteUnits = 100
/** Copied, with whatever the memory costs. */
const copiedByteUnits = 1

const bytes = (length: number | undefined, max: number): number => Math.min(Math.max(length ?? 0, 0), max)

function priceOf(name: HostFunction, [, second, third, fourth]: readonly number[]): number {
  switch (name) {
    case 'set_custom_data':
      return callUnits + jsonByteUnits * bytes(fourth, valueBytesMax)
    case 'http_request':
      return callUnits + askByteUnits * bytes(second, askBytesMax)
    case 'http_read':
      return callUnits + copiedByteUnits * bytes(third, networkLimits.responseBodyBytes)
    default:
      return callUnits
  }
}

/** A guest's code between two looks at its fuel may call on when there is none left: then nothing is done for it. */
export function priced<Name extends HostFunction>(
  guest: Pick<GuestSide, 'pay'>,
  functions: Record<Name, WebAssembly.ImportFunction>,
): Record<Name, WebAssembly.ImportFunction> {
  const names = Object.keys(functions) as Name[]
  const withPrice = (name: Name): WebAssembly.ImportFunction => {
    const act = functions[name]
    const refusal = hostSignatures[name].endsWith('i64') ? 0n : hostResult.error
    return (...parameters) => (guest.pay(priceOf(name, parameters)) ? act(...parameters) : refusal)
  }
  return Object.fromEntries(names.map((name) => [name, withPrice(name)])) as Record<Name, WebAssembly.ImportFunction>
}
