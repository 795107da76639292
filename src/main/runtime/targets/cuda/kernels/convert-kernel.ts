import type { Buffer } from '../schedule/job.ts'
import { KernelWriter } from './writer.ts'
import type { Launch } from './writer.ts'

const THREADS = 256

/** Copies a value into another form in memory. */
export function convertKernel(from: Buffer, into: Buffer): Launch {
  const writer = new KernelWriter()
  const body = [
    `unsigned i = blockIdx.x * ${THREADS}u + threadIdx.x;`,
    `if (i < ${into.size}u) ${writer.store(into, 'i', writer.load(from, 'i'))}`,
  ]
  return writer.finish('convert', [Math.ceil(into.size / THREADS), 1], THREADS, body)
}
