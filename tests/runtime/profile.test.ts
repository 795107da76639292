import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { newGraph } from '#core/ops/index.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { initWeights } from '#core/model/weights.ts'
import { parseSpecText } from '#core/model/text.ts'
import { placement } from '#main/runtime/profile/placement.ts'
import type { Placement } from '#main/runtime/profile/placement.ts'
import { profileStacks } from '#main/runtime/profile/profile.ts'
import type { ProfileOptions } from '#main/runtime/profile/profile.ts'
import { decodeProgram } from '#main/runtime/profile/programs.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import { reference } from '#main/runtime/targets/reference.ts'
import type { Session, TraceEvent } from '#main/runtime/targets/target.ts'
import { errorOf } from './data/folder.ts'

const HYBRID = parseSpecText('{dModel: 32, vocabSize: 64} d{nHeads: 2} f m2{headDim: 8, dState: 8} f a{headDim: 8} f')
const SMALL = parseSpecText('{dModel: 16, vocabSize: 64} a{headDim: 8} f')

const options = (changes: Partial<ProfileOptions> = {}): ProfileOptions => ({
  target: ortCpu,
  phases: ['prefill', 'decode'],
  batchSize: 1,
  promptLen: 16,
  context: 32,
  seed: 1,
  threads: 1,
  limits: { maxRelativeWidth: 0.5, minRepeats: 20, maxRepeats: 60, minMs: 1, maxMs: 2000 },
  ...changes,
})

/** Traces that ONNX Runtime left behind. */
const leftTraces = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(`heddle-${process.pid}-`))

const decomposedOf = (placed: Placement | undefined): string[] => placed!.blocks.flatMap((block) => block.decomposed)

it('measures prefill and decode of every stack above the floor, and says what ran how', async () => {
  const { stacks, floor, target, shape } = await profileStacks([HYBRID, SMALL], options({ trace: true }))
  expect({ target, shape }).toEqual({ target: 'ort-cpu', shape: { batchSize: 1, promptLen: 16, context: 32 } })
  expect(stacks.map(({ index, phases }) => [index, ...phases.map((p) => p.phase)])).toEqual([
    [0, 'prefill', 'decode'],
    [1, 'prefill', 'decode'],
  ])
  for (const [at, { phases }] of stacks.entries()) {
    const blocks = resolveSpec([HYBRID, SMALL][at]!).blocks
    for (const { phase, latency, placement: placed, graphHash } of phases) {
      const { p50Ms, lowMs, highMs, samplesMs } = latency
      expect(floor.p50Ms, phase).toBeLessThan(p50Ms)
      expect(lowMs).toBeGreaterThan(0)
      expect(lowMs).toBeLessThanOrEqual(p50Ms)
      expect(p50Ms).toBeLessThanOrEqual(highMs)
      expect(samplesMs.every((ms) => ms > 0 && Number.isFinite(ms))).toBe(true)
      expect(graphHash).toMatch(/^[0-9a-f]{64}$/)
      expect(placed!.blocks.map(({ kind, path }) => ({ kind, path }))).toEqual(
        blocks.map(({ block, path }) => ({ kind: block.kind, path })),
      )
      for (const block of placed!.blocks) {
        // every block ran somewhere, and took time
        expect(Object.keys(block.providers)).toEqual(['CPUExecutionProvider'])
        expect(block.kernelMs).toBeGreaterThan(0)
        expect(block.fused.length).toBeGreaterThan(0)
        expect(block.fused.filter((op) => block.decomposed.includes(op))).toEqual([])
      }
      const inBlocks = placed!.blocks.reduce((sum, { providers }) => sum + providers['CPUExecutionProvider']!, 0)
      expect(inBlocks).toBeLessThan(placed!.providers['CPUExecutionProvider']!)
      expect(placed!.outsideKernelMs).toBeGreaterThan(0)
      expect(placed!.unattributedMs).toBeGreaterThan(0)
    }
  }
  // each phase of each stack is a graph of its own
  expect(new Set(stacks.flatMap(({ phases }) => phases.map((p) => p.graphHash))).size).toBe(4)
  expect(leftTraces()).toEqual([])
})

it('runs the meaning of fused ops with decomposeAll', async () => {
  const settings = { trace: true, phases: ['decode'] } as const
  const fused = await profileStacks([HYBRID], options(settings))
  const decomposed = await profileStacks([HYBRID], options({ ...settings, decomposeAll: true }))
  const placed = decomposed.stacks[0]!.phases[0]!.placement!
  expect(placed.blocks.flatMap((block) => block.fused)).toEqual([])
  expect(placed.blocks.every((block) => block.decomposed.length > 0)).toBe(true)
  expect(decomposedOf(placed).length).toBeGreaterThan(decomposedOf(fused.stacks[0]!.phases[0]!.placement).length)
  expect(decomposed.stacks[0]!.phases[0]!.graphHash).not.toBe(fused.stacks[0]!.phases[0]!.graphHash)
})

it('attributes the time of a run to blocks, the rest, and no kernel, without loss', () => {
  const resolved = resolveSpec(SMALL)
  const { program } = decodeProgram(resolved, { batchSize: 1, context: 8 })
  const session: Pick<Session, 'claimed' | 'graph'> = {
    claimed: [{ scope: 'L00.mixer.attention', op: 'attention_step' }],
    graph: newGraph().finish(),
  }
  const event = (node: string, microseconds: number, provider = 'CPUExecutionProvider'): TraceEvent => ({
    node,
    opType: 'MatMul',
    provider,
    microseconds,
  })
  const once = [
    event('L00.mixer.attention/matmul', 300),
    event('L00.mixer.attention.rope/mul', 100),
    event('L01.mixer.ffn/matmul', 500, 'CUDAExecutionProvider'),
    // no block's scope is a prefix of this one's by a point or a stroke
    event('L00.mixer.attention_like/matmul', 40),
    event('head/matmul', 60),
  ]
  const placed = placement(program, session as Session, resolved.blocks, [...once, ...once], 2, 2 * 1.5)
  expect(placed.blocks.map(({ kernelMs }) => kernelMs)).toEqual([0.4, 0.5])
  expect(placed.outsideKernelMs).toBeCloseTo(0.1, 12)
  expect(placed.unattributedMs).toBeCloseTo(0.5, 12)
  expect(placed.providers).toEqual({ CPUExecutionProvider: 4, CUDAExecutionProvider: 1 })
  expect(placed.blocks[1]!.providers).toEqual({ CUDAExecutionProvider: 1 })
  expect(placed.blocks[0]!.fused).toEqual(['attention_step'])
  expect(placed.blocks[1]).toMatchObject({ fused: [], decomposed: ['silu'] })
})

it('agrees with itself: one stack twice in one measurement has intervals that overlap', async () => {
  const limits = { maxRelativeWidth: 0.1, minRepeats: 60, maxRepeats: 400, minMs: 100, maxMs: 3000 }
  const misses: string[] = []
  // 95 % intervals of two medians of one thing miss each other now and then, and more often on a busy machine
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { stacks } = await profileStacks([SMALL, SMALL], options({ phases: ['decode'], limits, seed: attempt }))
    const [a, b] = stacks.map(({ phases }) => phases[0]!.latency)
    if (a!.lowMs <= b!.highMs && b!.lowMs <= a!.highMs) return
    misses.push(`[${a!.lowMs}, ${a!.highMs}] and [${b!.lowMs}, ${b!.highMs}]`)
  }
  expect(misses).toEqual([])
})

it('leaves no trace of a session that nobody asked for one', async () => {
  const { program, weights } = decodeProgram(resolveSpec(SMALL), { batchSize: 1, context: 8 })
  const session = await ortCpu.open(program, { initial: initWeights(weights, 1), profile: true, threads: 1 })
  session.runSync({ tokens: Int32Array.of(1), position: Int32Array.of(0) })
  session.close()
  session.close()
  expect(leftTraces()).toEqual([])
})

it('profiles the interpreter, which has no trace', async () => {
  const limits = { maxRelativeWidth: 1, minRepeats: 6, maxRepeats: 6, minMs: 0, maxMs: 1000 }
  const { stacks, floor } = await profileStacks(
    [SMALL],
    options({ target: reference, phases: ['decode'], trace: true, limits }),
  )
  expect(stacks[0]!.phases[0]!.placement).toBeUndefined()
  expect(stacks[0]!.phases[0]!.latency.p50Ms).toBeGreaterThan(floor.p50Ms)
})

it('refuses a context shorter than the prompt, and ends when cancelled', async () => {
  expect(await errorOf(() => profileStacks([SMALL], options({ context: 8 })))).toMatchObject({
    code: 'usage',
    path: 'context',
  })
  const controller = new AbortController()
  controller.abort()
  const { signal } = controller
  expect(await errorOf(() => profileStacks([SMALL], options({ signal })))).toMatchObject({ code: 'job-cancelled' })

  const later = new AbortController()
  const error = await errorOf(() =>
    profileStacks(
      [SMALL],
      options({
        signal: later.signal,
        onProgress: ({ phase }) => {
          if (phase === 'warm-up') later.abort()
        },
      }),
    ),
  )
  expect(error).toMatchObject({ code: 'job-cancelled' })
})
