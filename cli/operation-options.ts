import type { Command } from 'commander'
import type { ProcessInputStart } from '../gen/proto/openracing/v1/plugin.ts'
import { whole } from '../input/whole.ts'
import { parseParameters } from './parameter-block.ts'

/** What an operation over an input is asked with. */
export interface OperationOptions {
  readonly operation: string
  readonly params?: Uint8Array
  readonly outputBytes?: number
  readonly elementBytes: number
}

export const withOperationOptions = (command: Command): Command =>
  command
    .option('--operation <name>', 'an operation of the plugin', 'process')
    .option('--params <list>', 'its parameter block, as type:value,…: u32:640,u32:480; or @FILE', parseParameters)
    .option('--output-bytes <n>', 'room for the output', whole(0, 64 << 20))
    .option('--element-bytes <n>', 'bytes of what the plugin counts its output in, 4 for u32', whole(1, 8), 1)

export const operationStart = (
  id: string,
  { operation, params, outputBytes, elementBytes }: OperationOptions,
): ProcessInputStart => ({ plugin: id, operation, parameters: Buffer.from(params ?? []), outputBytes, elementBytes })
