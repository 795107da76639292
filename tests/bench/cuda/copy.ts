// The bandwidth of the device's memory, which is the floor of decoding.

import { openDevice } from '#main/runtime/targets/cuda/target.ts'
import { spread } from './numbers.ts'

const COPY_BYTES = 2 ** 32

/** Copies 16 bytes a thread; the driver's own copy reaches less. */
const COPY_KERNEL = {
  name: 'copy16',
  source:
    'extern "C" __global__ void copy16(const uint4 *from, uint4 *to) { unsigned long long i = (unsigned long long)blockIdx.x * 1024u + threadIdx.x; uint4 x[4];\n#pragma unroll\nfor (int t = 0; t < 4; t++) x[t] = from[i + t * 256];\n#pragma unroll\nfor (int t = 0; t < 4; t++) to[i + t * 256] = x[t]; }',
}

/** Bytes read and written a second by a copy inside the device's memory. */
export async function copyBandwidth(): Promise<number> {
  const device = openDevice()
  const [from, to] = [device.allocate(COPY_BYTES), device.allocate(COPY_BYTES)]
  const grid = [COPY_BYTES / (1024 * 16), 1] as const
  const command = {
    kind: 'kernel',
    name: COPY_KERNEL.name,
    grid,
    block: 256,
    shared: 0,
    args: [from, to],
  } as const
  const replay = await device.prepare([COPY_KERNEL], [command], { isFast: false })
  replay.runTimes(2, 1)
  const milliseconds = spread(replay.runTimes(2, 7)).middle
  replay.release()
  for (const address of [from, to]) device.release(address)
  return (2 * COPY_BYTES) / (milliseconds / 1000)
}
