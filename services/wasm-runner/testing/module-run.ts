export type Exports = Readonly<Record<string, unknown>>
type Callable = (...parameters: unknown[]) => unknown

interface ModuleReflection {
  imports(
    module: WebAssembly.Module,
  ): readonly { readonly module: string; readonly name: string; readonly kind: string }[]
}

/** What an export returned, or how it ended. */
export function outcomeOf(exports: Exports, name: string, parameters: readonly unknown[]): unknown {
  try {
    return (exports[name] as Callable)(...parameters)
  } catch (cause) {
    return `${(cause as Error).name}: ${(cause as Error).message}`
  }
}

/** Objects and functions differ from instance to instance, and NaNs in their bits: only what they are is compared. */
const tellable = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? 'object' : typeof value === 'function' ? 'function' : value

/** One call of an export: what it returned, or `Name: message` of what it threw; and what else is kept of it. */
export interface Call<Kept> {
  readonly name: string
  readonly outcome: unknown
  readonly kept: Kept
}

/** Calls every export of a module, one after the other, as long as `around` says that it goes on. */
export function callAll<Kept>(
  exports: Exports,
  around: (call: () => unknown) => { readonly outcome: unknown; readonly kept: Kept; readonly goOn: boolean },
): Call<Kept>[] {
  const calls: Call<Kept>[] = []
  for (const [name, exported] of Object.entries(exports)) {
    if (typeof exported !== 'function') continue
    const call = (parameter: unknown) =>
      around(() => outcomeOf(exports, name, new Array(exported.length).fill(parameter)))
    let { outcome, kept, goOn } = call(3n)
    // Whoever wants numbers says so about the first parameter, before anything is executed.
    if (goOn && typeof outcome === 'string' && outcome.includes('BigInt')) ({ outcome, kept, goOn } = call(3))
    calls.push({ name, outcome: tellable(outcome), kept })
    if (!goOn) break
  }
  return calls
}

/** Imports that are kept as effects, whatever they are. */
export function importsOf(module: WebAssembly.Module, effects: unknown[]): Record<string, never> {
  const imports: Record<string, Record<string, unknown>> = {}
  for (const { module: from, name, kind } of (WebAssembly.Module as unknown as ModuleReflection).imports(module)) {
    imports[from] ??= {}
    if (kind === 'function') {
      imports[from][name] = (...parameters: unknown[]) => {
        effects.push([name, ...parameters.map(tellable)])
        return 0
      }
    } else imports[from][name] = undefined
  }
  return imports as Record<string, never>
}

export const told = (effects: readonly unknown[]): string =>
  JSON.stringify(effects, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
/** Stack overflows come a little earlier: what was done up to one is no measure. */
export const overflowed = (calls: readonly Call<unknown>[]): boolean =>
  calls.some(({ outcome }) => typeof outcome === 'string' && outcome.includes('call stack'))
