import type { Buffer } from '../schedule/job.ts'
import { Neighbours, neighboursOf, placeOf } from './neighbours.ts'
import { KernelWriter } from './writer.ts'
import type { Launch } from './writer.ts'

const THREADS = 256

/** Copies a value into another form in memory. */
export function convertKernel(from: Buffer, into: Buffer): Launch {
  const writer = new KernelWriter()
  const width = neighboursOf(into.size, 1)
  const items = into.size / width
  const at = placeOf('i', into.size, width)
  const neighbours = new Neighbours(writer, width)
  const lines = [neighbours.store(into, at, neighbours.load(from, at, false))]
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i < ${items}u) {`,
    ...neighbours.loop(lines),
    '}',
  ]
  return writer.finish('convert', [Math.ceil(items / THREADS), 1], THREADS, body)
}
