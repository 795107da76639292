// What goes wrong on a device ends the job with a reason, and the session can still be closed.

import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { newGraph } from '#core/ops/index.ts'
import type { Machine } from '#main/runtime/targets/cuda/driver/machine.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import { openCuda } from '#main/runtime/targets/cuda/target.ts'
import { cpuMachine, hasCompiler, there } from '../cpu-machine.ts'

function open(machine: Machine): Promise<CudaSession> {
  const g = newGraph()
  const x = g.input('x', { dtype: 'f32', shape: [512, 512] })
  g.output('y', g.matmul(g.exp(x), x))
  const program = { name: 'test', phase: 'train' as const, graph: g.finish(), bindings: [], frozen: [] }
  return openOnMachine(there(machine), program, { initial: new Map() }, { compute: 'f32', claims: claimsIn('f32') })
}

it('a program that needs more memory than is free is refused with both numbers before anything is allocated', async () => {
  let allocated = 0
  const machine = cpuMachine(2 ** 20)
  const counting: Machine = {
    ...machine,
    allocate: (bytes) => {
      allocated += bytes
      return machine.allocate(bytes)
    },
  }
  const error = await open(counting).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'target-failed', hint: expect.stringContaining('smaller batch') as string })
  expect((error as HeddleError).message).toMatch(/needs 0\.0\d GiB .* of which 0\.00 GiB are free on CPU/)
  expect(allocated).toBe(0)
})

it('training in f16 is refused, scoring is not', async () => {
  const g = newGraph()
  const w = g.input('w', { dtype: 'f32', shape: [4] })
  g.output('next.w', g.neg(w))
  const program = { name: 'step', phase: 'train' as const, graph: g.finish(), frozen: [] }
  const open = (bindings: { input: string; output: string }[]): Promise<unknown> =>
    openCuda({ ...program, bindings }, { initial: new Map([['w', new Float32Array(4)]]) }, 'f16')
  await expect(open([{ input: 'w', output: 'next.w' }])).rejects.toMatchObject({
    code: 'target-failed',
    hint: expect.stringContaining('bf16') as string,
  })
  // what is only scored goes on to the device, which this machine may not have
  const message = await open([]).then(
    () => '',
    (error: unknown) => (error as HeddleError).message,
  )
  expect(message).not.toContain('loss scaling')
})

describe.skipIf(!hasCompiler())('a fault while kernels run', () => {
  it('reaches the caller, and closing does not hide it', async () => {
    const lost = new HeddleError('device-lost', 'cuStreamSynchronize failed while running kernels')
    const machine = cpuMachine()
    let isLost = false
    const fragile: Machine = {
      ...machine,
      point: () => {
        const point = machine.point()
        return { ...point, finish: () => (isLost ? Promise.reject(lost) : point.finish()) }
      },
      finishSync: () => {
        if (isLost) throw lost
      },
    }
    const session = await open(fragile)
    isLost = true
    await expect(session.run({ x: new Float32Array(512 * 512) }, ['y'])).rejects.toBe(lost)
    expect(() => session.close()).not.toThrow()
  })
})
