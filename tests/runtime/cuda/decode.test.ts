// One-token decoding: which kernels it is made of, and that they compute what the reference does, run on the CPU.

import { describe, expect, it } from 'vitest'
import { sizeOf } from '#core/graph/types.ts'
import { rng } from '#core/rng.ts'
import { initWeights } from '#core/model/weights.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { decodeProgram } from '#main/runtime/profile/programs.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import type { Session, Target } from '#main/runtime/targets/target.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { planProgram } from '#main/runtime/targets/cuda/plan.ts'
import { planFor } from '#main/runtime/targets/cuda/target.ts'
import { cpuTarget } from './cpu-target.ts'

const TOKENS = 6
const VOCABULARY = 48

interface Decoded {
  readonly logits: readonly Float32Array[]
  readonly session: Session
}

/** Logits of some tokens, one after the other; each sequence of the batch has its own. */
async function decode(target: Target, text: string, batchSize: number): Promise<Decoded> {
  const resolved = resolveSpec(parseSpecText(`{dModel: 64, vocabSize: ${VOCABULARY}} ${text}`))
  const { program, weights } = decodeProgram(resolved, { batchSize, context: 8 })
  const session = await target.open(program, { initial: initWeights(weights, 1) })
  const logits: Float32Array[] = []
  for (let i = 0; i < TOKENS; i++) {
    const tokens = Int32Array.from({ length: batchSize }, (_, b) => (7 * i + 5 * b + 3) % VOCABULARY)
    logits.push((await session.run({ tokens, position: Int32Array.of(i) }, ['logits']))['logits'] as Float32Array)
  }
  return { logits, session }
}

/** The largest relative error of a token's logits. */
function relativeError(computed: readonly Float32Array[], exact: readonly Float32Array[]): number {
  const length = (data: Float32Array): number => Math.hypot(...data)
  return Math.max(...computed.map((data, i) => length(data.map((x, j) => x - exact[i]![j]!)) / length(exact[i]!)))
}

const BLOCKS = {
  'attention and feed-forward': 'a{headDim: 16, nKvHeads: 2} f',
  'windowed attention with normed keys': 'a{headDim: 32, window: 4, qkNorm: true} f',
  'DeltaNet and Mamba-2': 'd{nHeads: 2} f m2{headDim: 32, dState: 24} f',
  'gated rules': 'gdn{headDim: 16, nHeads: 2} gla{nHeads: 2} ret f',
  'linear attention with a normaliser': 'la{nHeads: 2} f',
  'what has no kernel of its own': 'm f r7{headDim: 16} r7f',
}

describe.skipIf(!cpuTarget('f32').probe().isAvailable)('decoding', () => {
  it.each(Object.entries(BLOCKS))('%s: the reference in f32 and bf16', { timeout: 240_000 }, async (_, text) => {
    const exact = await decode(reference, text, 2)
    const single = await decode(cpuTarget('f32'), text, 2)
    expect(relativeError(single.logits, exact.logits)).toBeLessThan(1e-5)
    const half = await decode(cpuTarget('bf16'), text, 2)
    expect(relativeError(half.logits, exact.logits)).toBeLessThan(0.03)
    // three bits more than bf16
    const finer = await decode(cpuTarget('f16'), text, 2)
    expect(relativeError(finer.logits, exact.logits)).toBeLessThan(0.004)
  })

  it(
    'in f16 keeps caches and weights of sixteen bits, and uses no tensor-core tiles of bf16',
    { timeout: 120_000 },
    async () => {
      const { session } = await decode(cpuTarget('f16'), 'd{nHeads: 2} f a{headDim: 16} f', 4)
      const { steps, buffers } = (session as CudaSession).schedule
      expect(new Set(buffers.map(({ stored }) => stored))).toEqual(new Set(['f32', 'f16', 'i32']))
      expect(buffers.find(({ name }) => name === 'layers.2.k_cache')!.stored).toBe('f16')
      const sources = steps.flatMap(({ action }) => (action.kind === 'kernel' ? [action.launch.kernel.source] : []))
      expect(sources.some((source) => source.includes('f16 *'))).toBe(true)
      expect(sources.some((source) => /bf16|TileStream/.test(source))).toBe(false)
      const cache = Float32Array.from(
        { length: (session as CudaSession).read('layers.2.k_cache').length },
        (_, i) => i / 64,
      )
      session.write('layers.2.k_cache', cache)
      expect((session as CudaSession).read('layers.2.k_cache')).toEqual(cache)
    },
  )

  it.each([1, 3, 8])('a batch of %i', { timeout: 240_000 }, async (batchSize) => {
    const text = 'd{nHeads: 2} f a{headDim: 16, nKvHeads: 1} f'
    const exact = await decode(reference, text, batchSize)
    const half = await decode(cpuTarget('bf16'), text, batchSize)
    expect(relativeError(half.logits, exact.logits)).toBeLessThan(0.03)
  })

  it.each([1, 3])('a cache that several blocks share, a batch of %i', { timeout: 240_000 }, async (batchSize) => {
    const resolved = resolveSpec(parseSpecText('{dModel: 64, vocabSize: 48} a{headDim: 16, nKvHeads: 2} f'))
    const { program, weights, states } = decodeProgram(resolved, { batchSize, context: 300 })
    const logits: Float32Array[] = []
    for (const target of [reference, cpuTarget('f32')]) {
      const session = await target.open(program, { initial: initWeights(weights, 1) })
      const random = rng('cache', 1)
      for (const { name, shape } of states) {
        const cache = new Float32Array(sizeOf(shape))
        random.fillNormal(cache, 1)
        session.write(name, cache)
      }
      for (const position of [63, 64, 281]) {
        const tokens = Int32Array.from({ length: batchSize }, (_, b) => 5 * b + 3)
        logits.push(
          (await session.run({ tokens, position: Int32Array.of(position) }, ['logits']))['logits'] as Float32Array,
        )
      }
    }
    expect(relativeError(logits.slice(3), logits.slice(0, 3))).toBeLessThan(1e-5)
  })

  it('attention of the largest batches still reads its cache in place', () => {
    const resolved = resolveSpec(parseSpecText('{dModel: 512, vocabSize: 48} a{headDim: 128, nKvHeads: 1} f'))
    const { program } = decodeProgram(resolved, { batchSize: 512, context: 32768 })
    const text = planFor(program, 'bf16').text()
    expect(text).toContain('attention_step')
    expect(text).not.toMatch(/\((update|copy) @/)
  })

  it.each([3, 5, 8])('blocks of a batch of %i fit any device', (batchSize) => {
    const launches = [4096, 4864, 8192].flatMap((dModel) => {
      const resolved = resolveSpec(parseSpecText(`{dModel: ${dModel}, vocabSize: 48} f{intermediateSize: 512}`))
      const { program } = decodeProgram(resolved, { batchSize, context: 8 })
      const options = { claims: claimsIn('bf16'), decomposeAll: false, isState: () => false, fits: () => true }
      const { plan } = planProgram(program, { ...options, compute: 'bf16', sharedBytes: () => 99 << 10 })
      return plan.steps.flatMap(({ action }) => (action.kind === 'kernel' ? [action.launch] : []))
    })
    expect(launches.length).toBeGreaterThan(6)
    for (const { kernel, shared = 0 } of launches) expect(shared, kernel.name).toBeLessThanOrEqual(98 << 10)
  })

  it(
    'takes three launches a mixer and two a feed-forward block, and copies nothing',
    { timeout: 120_000 },
    async () => {
      const { session } = await decode(cpuTarget('bf16'), 'd{nHeads: 2} f m2{headDim: 32} f a{headDim: 16} f', 1)
      const steps = (session as CudaSession).schedule.steps.filter((step) => !step.isOnce)
      expect(steps.map(({ label }) => label)).toEqual([
        ...['gemv', 'linear_attention', 'gemv', 'gemv', 'gemv'],
        ...['gemv', 'linear_attention', 'gemv', 'gemv', 'gemv'],
        ...['gemv', 'attention_step', 'gemv', 'gemv', 'gemv'],
        'gemv',
      ])
      expect(() => (session as CudaSession).read('embed_tokens.weight')).toThrow('no value named')
      expect((session as CudaSession).read('layers.4.k_cache').every(Number.isFinite)).toBe(true)
    },
  )
})
