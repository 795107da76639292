// A limit on buffers: they are not part of the heap that the browser itself limits. What code gives up comes off the account
// when the engine collects it. Code that means harm finds ways around this; it then ends its own process, not the page's.

const MOST_BYTES = 512 * 2 ** 20

type Made = ArrayBufferLike | ArrayBufferView
type Maker = new (...args: never[]) => Made

const MAKERS = [
  ...['ArrayBuffer', 'SharedArrayBuffer', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array'],
  ...['Int32Array', 'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
]

/** Puts buffers of a scope under the limit. */
export function limitBuffers(scope: Record<string, unknown>): void {
  let bytes = 0
  const registry = new FinalizationRegistry<number>((freed) => (bytes -= freed))
  for (const name of MAKERS) {
    const maker = scope[name] as Maker | undefined
    if (maker === undefined) continue
    const size = (maker as { readonly BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
    scope[name] = new Proxy(maker, {
      construct(target, args: never[], newTarget) {
        const [first] = args as readonly unknown[]
        // a view of a buffer takes nothing of its own
        const wanted =
          typeof first === 'number'
            ? first * size
            : (Number((first as { length?: unknown } | undefined)?.length) || 0) * size
        if (bytes + wanted > MOST_BYTES)
          throw new RangeError(`buffers of this code would take more memory than ${MOST_BYTES / 2 ** 20} MiB`)
        const made = Reflect.construct(target, args, newTarget) as Made
        if (wanted > 0) {
          bytes += wanted
          registry.register(made, wanted)
        }
        return made
      },
    })
  }
  // memory that nobody counts
  delete scope['WebAssembly']
}
