import { compilePlugin, type PluginCode } from '../compile.ts'
import type { PluginSpec } from '../plugin-spec.ts'
import { specOf } from './specs.ts'

/** A plugin's code, made on the test's own thread. */
export const codeOf = (bytes: Uint8Array<ArrayBuffer>, part: Partial<PluginSpec> = {}): Promise<PluginCode> =>
  compilePlugin(bytes, specOf(part))
