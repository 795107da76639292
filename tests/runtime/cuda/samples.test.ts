// Hand-written kernels without a device: what they claim, that the small samples are right on the CPU, and that the generated
// sources compile for the least and the most capable architecture that they tell apart.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sizeOf } from '#core/graph/types.ts'
import type { Graph, Shape, Value } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { rng } from '#core/rng.ts'
import { findLibrary } from '#main/runtime/targets/cuda/driver/libraries.ts'
import type { Kernel } from '#main/runtime/targets/cuda/driver/machine.ts'
import { architectureOf, openNvrtc } from '#main/runtime/targets/cuda/driver/nvrtc.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { PRELUDE } from '#main/runtime/targets/cuda/kernels/prelude.ts'
import { schedule } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import type { Step } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { normError } from '../../helpers/assert-close.ts'
import { evaluate, f32 } from '../../helpers/evaluate.ts'
import { nativeSamples, sampleFeeds, sampleKinds, sampleProgram } from '../../helpers/native-samples.ts'
import type { NativeSample } from '../../helpers/native-samples.ts'
import { cpuMachine, hasCompiler, there } from './cpu-machine.ts'

/** Elements of the largest operand of a sample that is run on the CPU. */
const SMALL = 50_000
const isSmall = ({ inputs }: NativeSample): boolean => Object.values(inputs).every((shape) => sizeOf(shape) <= SMALL)

const optimised = (graph: Graph): Graph => optimise(graph, { claims: claimsIn('bf16') })

/** The kind of hand-written kernels of a step, which may stand for several of one kernel. */
const kindOf = ({ label }: Step): string => label.replace(/^\d+ x /, '')

/** What the least device gives a block. */
const LEAST_SHARED = 99 << 10

/** The steps of a sample that hand-written kernels do on the least device. */
function nativeSteps(sample: NativeSample): readonly Step[] {
  const program = sampleProgram(sample)
  const options = { compute: 'bf16', extraState: new Set<string>(), sharedBytes: LEAST_SHARED } as const
  const { steps } = schedule(program, optimised(program.graph), options)
  return steps.filter((step) => sampleKinds(sample).has(kindOf(step)))
}

describe('samples', () => {
  it.each(nativeSamples)('$name: forward and gradient are claimed', (sample) => {
    const labels = new Set(nativeSteps(sample).map(kindOf))
    expect(labels).toEqual(sampleKinds(sample))
  })
})

describe('claims', () => {
  const claimed = (width: number, scale: number): boolean => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [1, 8, 2, width] })
    const y = g.one('attention', [x, x, x], { window: 0, meta: 0, scale })
    return claimsIn('bf16')(y.node)
  }
  /** Whether kernels take linear attention and its gradient. */
  const claimedWalk = (length: number, widths: readonly [number, number], perKey = false, isFed = false) => {
    const [k, v] = widths
    const g = newGraph()
    const feed = (name: string, shape: Shape): Value => g.input(name, { dtype: 'f32', shape })
    const x = feed('x', [2, length, 1, k])
    const decay = feed('decay', [2, length, 2, ...(perKey ? [k] : [])])
    const state = isFed ? feed('state', [2, 2, k, v]) : g.zeros([2, 2, k, v])
    const inputs = [x, x, feed('v', [2, length, 2, v]), state, decay]
    const attrs = { rule: 'gated', scale: 1, chunk: 64 }
    const outputs = g.apply('linear_attention', inputs, attrs)
    const gradient = (wrt: readonly number[]): boolean => {
      const [node] = g.apply('vjp', [...inputs, ...outputs, outputs[0]!], {
        of: 'linear_attention',
        outputs: 2,
        cts: [0],
        wrt,
        ...attrs,
      })
      return claimsIn('bf16')(node!.node)
    }
    return [claimsIn('bf16')(outputs[0]!.node), gradient([0, 1, 2, 4]), gradient([0, 3])]
  }
  it('linear attention in chunks, with the gradient of a sequence that begins with nothing', () => {
    expect(claimedWalk(65, [64, 32])).toEqual([true, true, false])
    expect(claimedWalk(65, [64, 32], false, true)).toEqual([true, false, false])
    expect(claimedWalk(65, [64, 64], true)).toEqual([false, false, false])
    expect(claimedWalk(65, [256, 64])).toEqual([true, true, false])
    expect(claimedWalk(65, [96, 32])).toEqual([false, false, false])
    expect(claimedWalk(65, [64, 48])).toEqual([false, false, false])
    // one token is a step
    expect(claimedWalk(1, [64, 32])).toEqual([true, false, false])
  })
  it('a selective scan of up to 64 states over more than one token, with gradients of all but its state', () => {
    const claimedScan = (length: number, states: number): readonly boolean[] => {
      const g = newGraph()
      const feed = (name: string, shape: Shape): Value => g.input(name, { dtype: 'f32', shape })
      const [x, b] = [feed('x', [2, length, 5]), feed('b', [2, length, states])]
      const inputs = [x, x, feed('a', [5, states]), b, b, feed('state', [2, 5, states])]
      const outputs = g.apply('selective_scan', inputs)
      const gradient = (cts: readonly number[], wrt: readonly number[]): boolean => {
        const attrs = { of: 'selective_scan', outputs: 2, cts, wrt }
        const [node] = g.apply('vjp', [...inputs, ...outputs, ...cts.map((i) => outputs[i]!)], attrs)
        return claimsIn('bf16')(node!.node)
      }
      return [
        claimsIn('bf16')(outputs[0]!.node),
        gradient([0], [0, 1, 2, 3, 4]),
        gradient([0], [5]),
        gradient([0, 1], [0]),
      ]
    }
    expect(claimedScan(2, 64)).toEqual([true, true, false, false])
    expect(claimedScan(2, 65)).toEqual([false, false, false, false])
    expect(claimedScan(1, 16)).toEqual([false, false, false, false])
  })
  it('attention of widths and scales that its kernels have', () => {
    expect([32, 64, 96, 128].map((width) => claimed(width, 0.1))).toEqual([true, true, true, true])
    expect([16, 80, 256].map((width) => claimed(width, 0.1))).toEqual([false, false, false])
    expect(claimed(64, -1)).toBe(false)
  })
})

describe('kernels', () => {
  it.each(nativeSamples)('$name: blocks fit any device', (sample) => {
    for (const { action } of nativeSteps(sample)) {
      if (action.kind !== 'kernel') continue
      const { grid, block, shared } = action.launch
      expect(shared ?? 0).toBeLessThanOrEqual(LEAST_SHARED)
      expect(block).toBeLessThanOrEqual(1024)
      expect(grid[0]).toBeGreaterThan(0)
    }
  })
})

describe.skipIf(!hasCompiler())('on the CPU (skipped without g++)', () => {
  // on the most capable device, and on the least what is cut otherwise there
  const runs = nativeSamples
    .filter(isSmall)
    .flatMap((sample) => [
      { ...sample, sharedBytes: 227 << 10 },
      ...(sample.op === 'linear_attention' && sample.inputs['q']!.at(-1)! > 64
        ? [{ ...sample, sharedBytes: LEAST_SHARED }]
        : []),
    ])
  it.each(runs)(
    '$name, $sharedBytes bytes of shared memory',
    { timeout: 120_000 },
    async ({ sharedBytes, ...sample }) => {
      const program = sampleProgram(sample)
      const feeds = sampleFeeds(program, sample, rng(sample.name))
      const tensors = Object.entries(sample.inputs).map(([name, shape]) => [name, f32(shape, feeds[name]!)] as const)
      const ct = program.graph.outputs.find(({ name }) => name === 'y')!.value.type.shape
      const expected = evaluate(program.graph, new Map([...tensors, ['ct', f32(ct, feeds['ct']!)]]))
      const options = { compute: 'bf16', claims: claimsIn('bf16') } as const
      const session = await openOnMachine(
        there(cpuMachine(2 ** 31, sharedBytes)),
        program,
        { initial: new Map() },
        options,
      )
      try {
        const names = program.graph.outputs.map(({ name }) => name)
        const actual = session.runSync(feeds, names)
        for (const name of names) {
          const error = normError(actual[name]!, expected.get(name)!.data)
          expect(error, name).toBeLessThanOrEqual(sample.tolerance)
        }
      } finally {
        session.close()
      }
    },
  )
})

/** The compiler that is there: NVRTC, else nvcc. */
function compiler(): ((source: string, capability: string) => Promise<Uint8Array>) | undefined {
  const path = findLibrary('nvrtc')
  if (path !== undefined) return (source, capability) => openNvrtc(path).compile(source, architectureOf(capability))
  try {
    execFileSync('nvcc', ['--version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return (source, capability) => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-nvcc-'))
    try {
      const [from, into] = [join(folder, 'kernels.cu'), join(folder, 'kernels.cubin')]
      writeFileSync(from, source)
      execFileSync('nvcc', ['-std=c++17', '-cubin', `-arch=${architectureOf(capability)}`, '-o', into, from], {
        stdio: 'pipe',
      })
      return Promise.resolve(readFileSync(into))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const compile = compiler()

describe.skipIf(compile === undefined)('compiled (skipped without NVRTC and nvcc)', () => {
  // one of each op and width
  const kinds = new Map(
    nativeSamples.map((sample) => [`${sample.op} ${Object.values(sample.inputs)[0]!.at(-1)}`, sample]),
  )
  const kernels = new Map<string, Kernel>()
  for (const sample of kinds.values())
    for (const { action } of nativeSteps(sample))
      if (action.kind === 'kernel' || action.kind === 'table')
        kernels.set(action.launch.kernel.name, action.launch.kernel)

  it.each(['8.0', '9.0'])('for capability %s', { timeout: 300_000 }, async (capability) => {
    const functions = new Set([...kernels.values()].flatMap(({ uses }) => uses ?? []))
    const source = [PRELUDE, ...functions, ...[...kernels.values()].map((kernel) => kernel.source)].join('\n')
    const code = Buffer.from(await compile!(source, capability)).toString('latin1')
    for (const name of kernels.keys()) expect(code).toContain(name)
  })
})
