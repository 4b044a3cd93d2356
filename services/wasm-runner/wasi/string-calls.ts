import type { Call, World } from './world.ts'

/** A list of strings as C has them: pointers to bytes that end with NUL. */
function listCalls({ memory }: World, strings: readonly string[]) {
  const encoded = strings.map((text) => Buffer.from(`${text}\0`))
  const bytes = encoded.reduce((sum, { length }) => sum + length, 0)
  return {
    get(pointers: number, buffer: number) {
      const list = memory.view(pointers, encoded.length * 4)
      const all = memory.bytes(buffer, bytes)
      let at = 0
      for (const [index, text] of encoded.entries()) {
        list.setUint32(index * 4, (buffer >>> 0) + at, true)
        all.set(text, at)
        at += text.length
      }
    },
    sizes(count: number, size: number) {
      const [first, second] = [memory.view(count, 4), memory.view(size, 4)]
      first.setUint32(0, encoded.length, true)
      second.setUint32(0, bytes, true)
    },
  }
}

/** Arguments, and the environment as `NAME=value`. */
export function stringCalls(world: World, args: readonly string[], environment: Readonly<Record<string, string>>) {
  const listed = listCalls(world, args)
  const named = listCalls(
    world,
    Object.entries(environment).map(([name, value]) => `${name}=${value}`),
  )
  return {
    args_get: listed.get,
    args_sizes_get: listed.sizes,
    environ_get: named.get,
    environ_sizes_get: named.sizes,
  } satisfies Record<string, Call>
}
