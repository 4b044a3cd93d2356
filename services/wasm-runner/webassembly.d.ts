// The part of the WebAssembly API that this service uses. TypeScript has it only together with the browser's whole DOM.
declare namespace WebAssembly {
  /** Compiled code; may be posted to another thread, which then shares it. */
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module'
  }

  interface Memory {
    /** Another object after the memory grew. */
    readonly buffer: ArrayBuffer
    /** Pages before it grew. Throws RangeError where it may not. */
    grow(pages: number): number
  }

  type Exports = Readonly<Record<string, unknown>>
  type ModuleImports = Readonly<Record<string, ImportFunction>>
  type Imports = Readonly<Record<string, ModuleImports>>

  interface Instance {
    readonly exports: Exports
  }

  type ImportFunction = (...parameters: number[]) => unknown

  const Instance: new (module: Module, imports: Imports) => Instance
  const LinkError: ErrorConstructor
  const RuntimeError: ErrorConstructor

  interface Global {
    value: bigint
  }

  /** Compiles on the caller's thread. */
  const Module: {
    new (bytes: Uint8Array): Module
    imports(module: Module): readonly { readonly module: string; readonly name: string }[]
  }

  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>
  function validate(bytes: Uint8Array): boolean
}
