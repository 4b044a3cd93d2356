// Writes to stdout the WebAssembly module that a package carries within its JavaScript: `node capture.mjs binaryen`, or
// `typescript` for the one by which Node strips types. Not in TypeScript, because then Node would have loaded that before.
import module from 'node:module'

let largest = new Uint8Array(0)

/** Compiles as ever, and keeps what is compiled. */
function watch(name) {
  const compile = WebAssembly[name]
  WebAssembly[name] = new Proxy(compile, {
    apply: (target, self, parameters) => Reflect.apply(target, self, keep(parameters)),
    construct: (target, parameters) => Reflect.construct(target, keep(parameters)),
  })
}

function keep(parameters) {
  const [source] = parameters
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : source
  if (bytes instanceof ArrayBuffer || bytes instanceof Uint8Array) {
    if (bytes.byteLength > largest.byteLength) largest = new Uint8Array(bytes).slice()
  }
  return parameters
}

for (const name of ['Module', 'compile', 'instantiate']) watch(name)
if (process.argv[2] === 'binaryen') await import('binaryen')
else module.stripTypeScriptTypes('let n: number')
process.stdout.write(largest)
