// The scheduler without a device: index arithmetic, fusion, memory plan, and generated kernels run on the CPU.

import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Program } from '#core/graph/program.ts'
import type { Graph } from '#core/graph/types.ts'
import { newGraph } from '#core/ops/index.ts'
import { flatten, indexText, unflatten, variable } from '#main/runtime/targets/cuda/schedule/integer.ts'
import { printSchedule } from '#main/runtime/targets/cuda/schedule/print.ts'
import { schedule } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import type { Schedule } from '#main/runtime/targets/cuda/schedule/schedule.ts'
import { cacheKey } from '#main/runtime/targets/cuda/driver/nvrtc.ts'
import { findLibrary } from '#main/runtime/targets/cuda/driver/libraries.ts'
import type { SearchPlace } from '#main/runtime/targets/cuda/driver/libraries.ts'
import { needLibrary } from '#main/runtime/targets/cuda/target.ts'
import { passes } from '../../golden/report.ts'
import { goldenCases } from '../../golden/run.ts'
import { cpuTarget } from './cpu-target.ts'

const planOf = (graph: Graph, bindings: Program['bindings'] = []): Schedule =>
  schedule({ name: 'test', phase: 'train', graph, bindings, frozen: [] }, graph, {
    compute: 'f32',
    sharedBytes: 99 << 10,
    extraState: new Set(),
  })

describe('index arithmetic', () => {
  const shape = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 })
  const evaluate = (text: string, i: number): number =>
    Number(
      new Function(
        'i',
        `return ${text.replace(/(\d)u/g, '$1').replace(/\(([^()]*) \/ (\d+)\)/g, 'Math.floor(($1) / $2)')}`,
      )(i),
    )

  it('coordinates put together give the place back', () => {
    fc.assert(
      fc.property(shape, (sizes) => {
        const n = sizes.reduce((a, b) => a * b, 1)
        expect(indexText(flatten(unflatten(variable('i', n), sizes), sizes))).toBe(n === 1 ? '0u' : 'i')
      }),
    )
  })

  it('a transposed place is the one that counting gives', () => {
    const text = indexText(flatten(unflatten(variable('i', 12), [3, 4]).reverse(), [4, 3]))
    expect(Array.from({ length: 12 }, (_, i) => evaluate(text, i))).toEqual(
      Array.from({ length: 12 }, (_, i) => (i % 4) * 3 + Math.floor(i / 4)),
    )
  })
})

describe('schedule', () => {
  it('a softmax is one kernel', () => {
    const g = newGraph()
    const x = g.input('x', { dtype: 'f32', shape: [128, 64] })
    const e = g.exp(g.sub(x, g.reduceMax(x, [1])))
    g.output('y', g.div(e, g.reduceSum(e, [1])))
    const plan = planOf(g.finish())
    expect(plan.steps).toHaveLength(1)
    expect(printSchedule(plan)).toContain('1 steps in f32: 1 kernels (1 different), 0 products, 0 copies')
  })

  it('a state that is updated element by element keeps its memory, one that is moved is copied', () => {
    const g = newGraph()
    const s = g.input('s', { dtype: 'f32', shape: [8, 8] })
    const t = g.input('t', { dtype: 'f32', shape: [8, 8] })
    g.output('next.s', g.add(s, t))
    g.output('next.t', g.transpose(g.exp(t), [1, 0]))
    const plan = planOf(g.finish(), [
      { input: 's', output: 'next.s' },
      { input: 't', output: 'next.t' },
    ])
    const copies = plan.steps.filter(({ action }) => action.kind === 'copy')
    expect(copies).toHaveLength(1)
    expect(copies[0]!.writes[0]!.name).toBe('t')
  })

  it('buffers that live at one time do not overlap', () => {
    const g = newGraph()
    let x = g.input('x', { dtype: 'f32', shape: [64, 64] })
    const kept = []
    for (let i = 0; i < 12; i++) kept.push((x = g.matmul(g.exp(x), x)))
    g.output(
      'y',
      kept.reduce((a, b) => g.matmul(a, b)),
    )
    const { steps, memory } = planOf(g.finish())
    const lives = new Map<number, { from: number; to: number; start: number; end: number }>()
    steps.forEach(({ reads, writes }, at) => {
      for (const buffer of [...reads, ...writes]) {
        const start = memory.offsets.get(buffer)
        if (start === undefined) continue
        const life = lives.get(buffer.id) ?? { from: at, to: at, start, end: start + buffer.size * 4 }
        lives.set(buffer.id, { ...life, to: at })
      }
    })
    const all = [...lives.values()]
    expect(all.length).toBeGreaterThan(12)
    for (const a of all)
      for (const b of all)
        if (a !== b && a.from <= b.to && b.from <= a.to) expect(a.end <= b.start || b.end <= a.start).toBe(true)
    expect(memory.arenaBytes).toBeLessThan(memory.unsharedBytes)
  })
})

describe('libraries', () => {
  const empty: SearchPlace = {
    platform: 'linux',
    environment: {},
    list: () => [],
    exists: () => false,
    output: () => '',
  }

  it('are found in a configured folder, the linker cache and a Python installation', () => {
    const exists = (wanted: string) => (path: string) => path === wanted
    const configured = {
      ...empty,
      environment: { HEDDLE_CUDA_LIBRARIES: '/a:/b' },
      exists: exists('/b/libnvrtc.so.12'),
    }
    expect(findLibrary('nvrtc', configured)).toBe('/b/libnvrtc.so.12')
    const cache = ' libcuda.so.1 (libc6,x86-64) => /lib/libcuda.so.1\n'
    expect(
      findLibrary('driver', {
        ...empty,
        output: (p) => (p === 'ldconfig' ? cache : ''),
        exists: exists('/lib/libcuda.so.1'),
      }),
    ).toBe('/lib/libcuda.so.1')
    const python = {
      ...empty,
      output: (program: string) => (program === 'python3' ? '/py\n' : ''),
      list: (folder: string) => (folder === '/py/nvidia' ? ['cublas'] : []),
      exists: exists('/py/nvidia/cublas/lib/libcublasLt.so.13'),
    }
    expect(findLibrary('cublasLt', python)).toBe('/py/nvidia/cublas/lib/libcublasLt.so.13')
  })

  it('that are missing are named with how to get them', () => {
    expect(() => needLibrary('nvrtc', () => undefined)).toThrow('libnvrtc.so.13 or libnvrtc.so.12 was not found')
  })

  it('compiled kernels are kept by source, architecture and compiler', () => {
    const keys = [
      cacheKey('a', 'sm_90', '13.0'),
      cacheKey('b', 'sm_90', '13.0'),
      cacheKey('a', 'sm_80', '13.0'),
      cacheKey('a', 'sm_90', '12.8'),
    ]
    expect(new Set(keys).size).toBe(4)
  })
})

describe('generated kernels on the CPU', () => {
  const target = cpuTarget('f32')
  const cases = goldenCases(fileURLToPath(new URL('../../golden/vectors', import.meta.url))).filter(({ name }) =>
    /^(rmsnorm_eps6|cross_entropy_row_norm|mamba1_t7|mamba2_t7)$/.test(name),
  )

  it.skipIf(!target.probe().isAvailable).each(cases)('$name', { timeout: 120_000 }, async ({ run }) => {
    const { error, checks } = await run([target])
    expect(error).toBeUndefined()
    expect(checks.filter((check) => !passes(check))).toEqual([])
  })
})
