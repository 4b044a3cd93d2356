import { Code, info } from '@openracing/plugin/assembly/zenith'

const INFO = info('{{name}} v0.1.0')

export function plugin_info(): usize {
  return INFO
}

/** Letters a to z become capitals. `outputLength` holds what there is room for, and then what was written. */
export function process(input: usize, length: u32, output: usize, outputLength: usize): i32 {
  if (length > load<u32>(outputLength)) return Code.INVALID_INPUT
  for (let i: usize = 0; i < <usize>length; i++) {
    const byte = load<u8>(input + i)
    store<u8>(output + i, byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)
  }
  store<u32>(outputLength, length)
  return Code.OK
}
