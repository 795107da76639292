// Runs that are asked for while others are under way: what they take and give does not mix.

import { describe, expect, it } from 'vitest'
import { newGraph } from '#core/ops/index.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import { relativeError } from '../../../helpers/assert-close.ts'
import { runTiny, tinyConfig } from '../../../helpers/tiny.ts'
import { hasCompiler, there } from '../cpu-machine.ts'
import { cpuTarget } from '../cpu-target.ts'
import { lateMachine } from './late-machine.ts'

const CUDA = { compute: 'f32', claims: claimsIn('f32') } as const
const SPEC = '{dModel: 16, vocabSize: 16} f'

/** State s, s' = s + x y; outputs the sum of x y and of a state before it, and the whole of x y. */
function open(): Promise<CudaSession> {
  const g = newGraph()
  const type = { dtype: 'f32', shape: [300] } as const
  const [x, y, s] = [g.input('x', type), g.input('y', type), g.input('s', type)]
  const product = g.mul(x, y)
  g.output('sum', g.reduceSum(product, [0]))
  g.output('product', g.exp(product))
  g.output('next.s', g.add(s, product))
  const bindings = [{ input: 's', output: 'next.s' }]
  const program = { name: 'test', phase: 'train' as const, graph: g.finish(), bindings, frozen: [] }
  return openOnMachine(there(lateMachine()), program, { initial: new Map() }, CUDA)
}
const all = (value: number): Float32Array => new Float32Array(300).fill(value)
const sumOf = async (run: Promise<Readonly<Record<string, { readonly [i: number]: number }>>>): Promise<number> =>
  (await run)['sum']![0]!

describe.skipIf(!hasCompiler())('runs under way', () => {
  it('have their own feeds and results, in the order in which they were asked for', async () => {
    const session = await open()
    const x = all(1)
    const sums: Promise<number>[] = []
    for (let i = 1; i <= 6; i++) {
      x.fill(i)
      sums.push(sumOf(session.run({ x, y: all(10) }, ['sum'])))
      if (sums.length > session.ahead!) await sums.at(-1 - session.ahead!)
    }
    expect(await Promise.all(sums)).toEqual([1, 2, 3, 4, 5, 6].map((i) => 3000 * i))
    expect(session.read('s')).toEqual(all(210))
    session.close()
  })

  it('keep feeds that are left out, and are not asked for before a slot is free', async () => {
    const session = await open()
    session.start({ x: all(1), y: all(2) })
    session.start({ y: all(3) })
    session.start({})
    session.start({ x: all(2) })
    expect(session.read('s')).toEqual(all(2 + 3 + 3 + 6))
    session.close()
  })

  it('are refused when nobody waits for those before, or when one would overwrite what another is to read', async () => {
    const session = await open()
    const feeds = { x: all(1), y: all(1) }
    const first = [session.run(feeds, ['sum']), session.run(feeds, ['sum'])]
    await expect(session.run(feeds, ['sum'])).rejects.toThrow('2 runs are under way')
    await Promise.all(first)
    const large = session.run(feeds, ['product'])
    await expect(session.run(feeds, ['sum'])).rejects.toThrow('the run that reads product must end before the next')
    expect((await large)['product']).toEqual(all(Math.exp(1)))
    await expect(session.run({ x: all(1), y: new Float32Array(3) })).rejects.toThrow('takes 300 elements, got 3')
    await expect(session.run(feeds, ['nothing'])).rejects.toThrow('no value named nothing')
    expect(await sumOf(session.run(feeds, ['sum']))).toBe(300)
    expect(session.read('s')).toEqual(all(4))
    session.close()
  })
})

/** The CUDA target on such a machine, and how many runs it had at once. */
function lateTarget(): Target & { readonly mostUnderWay: () => number } {
  const machine = lateMachine()
  return {
    ...cpuTarget('f32'),
    open: (program, options) => openOnMachine(there(machine), program, options, CUDA),
    mostUnderWay: machine.mostUnderWay,
  }
}

describe.skipIf(!hasCompiler())('a training', { timeout: 120_000 }, () => {
  it('whose steps overlap is the one whose steps do not', async () => {
    const config = tinyConfig({ spec: SPEC })
    const target = lateTarget()
    const late = await runTiny(config, {}, target)
    expect(target.mostUnderWay()).toBe(2)
    const exact = await runTiny(config)
    expect(late.losses).toHaveLength(12)
    expect(relativeError(late.losses, exact.losses)).toBeLessThan(1e-4)
    expect(late.final['valLoss']).toBeCloseTo(exact.final['valLoss']!, 4)
    for (const [name, weight] of late.weights)
      expect(relativeError(weight, exact.weights.get(name)!), name).toBeLessThan(1e-4)
  })

  it('accumulates gradients over batches', async () => {
    const config = tinyConfig({ spec: SPEC, run: { accumulation: 3, batchSize: 2 } })
    const late = await runTiny(config, {}, lateTarget())
    const exact = await runTiny(config)
    expect(late.losses).toHaveLength(12)
    expect(relativeError(late.losses, exact.losses)).toBeLessThan(1e-4)
    for (const [name, weight] of late.weights)
      expect(relativeError(weight, exact.weights.get(name)!), name).toBeLessThan(1e-4)
  })

  it('that is cancelled has looked at every step that it did', async () => {
    const controller = new AbortController()
    const onPoint = ({ step }: { readonly step: number }): void => {
      if (step === 3) controller.abort()
    }
    const { losses, state, steps } = await runTiny(
      tinyConfig({ spec: SPEC }),
      { signal: controller.signal, onPoint },
      lateTarget(),
    )
    expect({ state, steps }).toEqual({ state: 'cancelled', steps: losses.length })
    expect(steps).toBeLessThan(6)
  })

  it('that diverges, or whose listener fails, ends with steps under way', async () => {
    const wild = tinyConfig({ spec: SPEC, schedule: { lr: 10, warmup: 0 } })
    expect(await runTiny(wild, {}, lateTarget())).toMatchObject({ state: 'failed', error: { code: 'train-diverged' } })
    const onPoint = (): void => {
      throw new Error('the disk is full')
    }
    await expect(runTiny(tinyConfig({ spec: SPEC }), { onPoint }, lateTarget())).rejects.toThrow('the disk is full')
  })
})
