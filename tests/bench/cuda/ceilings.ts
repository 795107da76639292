// What the device can do at most: a large copy and a large product, measured where everything else is.

import { openDevice } from '#main/runtime/targets/cuda/target.ts'
import type { MatrixLayout } from '#main/runtime/targets/cuda/driver/machine.ts'
import { spread } from './numbers.ts'

const COPY_BYTES = 2 ** 32
const SIDE = 8192
const REPEATS = 9

export interface Ceilings {
  /** Bytes a second, read and written. */
  readonly copy: number
  /** FLOP/s of a bf16 product on random numbers. */
  readonly product: number
}

export async function measureCeilings(): Promise<Ceilings> {
  const machine = openDevice()
  const from = machine.allocate(COPY_BYTES),
    to = machine.allocate(COPY_BYTES)
  // bf16 numbers between 1 and 2 with random signs and fractions
  const noise = Uint16Array.from({ length: 2 ** 20 }, (_, i) => 0x3f80 | ((Math.imul(i, 0x9e3779b1) >>> 16) & 0x807f))
  const matrixBytes = SIDE * SIDE * 2
  for (let at = 0; at < 2 * matrixBytes; at += noise.byteLength) machine.upload(from + BigInt(at), noise)
  machine.finishSync()
  const type: MatrixLayout = { type: 'bf16', transposed: false, lead: SIDE, stride: 0 }
  const replay = await machine.prepare(
    [],
    [
      { kind: 'copy', from, to, bytes: COPY_BYTES },
      {
        kind: 'matmul',
        shape: { m: SIDE, n: SIDE, k: SIDE, batch: 1, a: type, b: type, c: type, tf32: false },
        a: from,
        b: from + BigInt(matrixBytes),
        c: to,
      },
    ],
    { isFast: true },
  )
  replay.times(3)
  const times = Array.from({ length: REPEATS }, () => replay.times(1))
  replay.release()
  machine.release(from)
  machine.release(to)
  const copy = spread(times.map((t) => t[0]!)),
    product = spread(times.map((t) => t[1]!))
  console.log(
    `${machine.title}: copy ${((2 * COPY_BYTES) / copy.middle / 1e9).toFixed(2)} TB/s (${copy.low.toFixed(2)} to ${copy.high.toFixed(2)} ms for ${COPY_BYTES / 2 ** 30} GiB), product ${((2 * SIDE ** 3) / product.middle / 1e9).toFixed(0)} TFLOP/s (bf16, ${SIDE} cubed, ${product.low.toFixed(3)} to ${product.high.toFixed(3)} ms)`,
  )
  return { copy: (2 * COPY_BYTES) / (copy.middle / 1000), product: (2 * SIDE ** 3) / (product.middle / 1000) }
}
