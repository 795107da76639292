// The largest batch that fits: found from plans against a figure of free memory, without a device.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { initWeights } from '#core/model/weights.ts'
import { recordProfile } from '#main/api/record.ts'
import { readEnvironment } from '#main/runtime/environment.ts'
import { largestBatch } from '#main/runtime/profile/largest-batch.ts'
import { LARGEST, profileStacks } from '#main/runtime/profile/profile.ts'
import type { ProfileOptions } from '#main/runtime/profile/profile.ts'
import { decodeProgram } from '#main/runtime/profile/programs.ts'
import { claimsIn } from '#main/runtime/targets/cuda/kernels/native/index.ts'
import { openOnMachine } from '#main/runtime/targets/cuda/session.ts'
import { planFor } from '#main/runtime/targets/cuda/target.ts'
import { ortCpu } from '#main/runtime/targets/ort-cpu.ts'
import type { Target } from '#main/runtime/targets/target.ts'
import { closeProject } from '#main/store/db.ts'
import { listMeasurements } from '#main/store/measurements.ts'
import { scratchProject } from '../../../store/scratch.ts'
import { cpuMachine, hasCompiler, there } from '../cpu-machine.ts'

const SPEC = parseSpecText('{dModel: 64, vocabSize: 128} d{nHeads: 2} f a{headDim: 16, nKvHeads: 2} f')
const CONTEXT = 64

describe('the search', () => {
  it('finds the last batch that fits, in few plans', () => {
    const memory = fc.record({
      base: fc.integer({ min: 0, max: 1e9 }),
      each: fc.integer({ min: 1, max: 1e7 }),
      step: fc.integer({ min: 0, max: 1e8 }),
      free: fc.integer({ min: 0, max: 2 ** 36 }),
      wall: fc.integer({ min: 1, max: 1e5 }),
    })
    fc.assert(
      fc.property(memory, ({ base, each, step, free, wall }) => {
        let plans = 0
        // a jump, as where another kernel takes over, and a batch from which nothing runs
        const bytesOf = (batch: number): number => {
          plans++
          return batch >= wall ? Infinity : base + each * batch + (batch > 8 ? step : 0)
        }
        const found = largestBatch(bytesOf, free)
        expect(plans).toBeLessThan(48)
        if (found > 0) expect(bytesOf(found)).toBeLessThanOrEqual(free)
        if (found < 65536) expect(bytesOf(found + 1)).toBeGreaterThan(free)
      }),
    )
  })

  it('takes a handful of plans where memory is a line', () => {
    let plans = 0
    const line = (batch: number): number => (plans++, 3e9 + 123_456_789 * batch)
    expect(largestBatch(line, 140e9)).toBe(Math.floor((140e9 - 3e9) / 123_456_789))
    expect(plans).toBeLessThanOrEqual(5)
  })
})

const decodeOf = (batchSize: number): ReturnType<typeof decodeProgram> =>
  decodeProgram(resolveSpec(SPEC), { batchSize, context: CONTEXT })

describe.skipIf(!hasCompiler())('a decode program at the largest batch (skipped without g++)', () => {
  it('opens and runs in that memory, and one sequence more does not', { timeout: 240_000 }, async () => {
    const free = 3 << 20
    const bytesOf = (batchSize: number): number => planFor(decodeOf(batchSize).program, 'bf16', 227 << 10).bytes
    const batch = largestBatch(bytesOf, free)
    expect(batch).toBeGreaterThan(8)
    const openAt = async (batchSize: number): Promise<readonly number[]> => {
      const { program, weights } = decodeOf(batchSize)
      const options = { compute: 'bf16', claims: claimsIn('bf16') } as const
      const session = await openOnMachine(
        there(cpuMachine(free)),
        program,
        { initial: initWeights(weights, 1) },
        options,
      )
      try {
        const tokens = Int32Array.from({ length: batchSize }, (_, b) => b % 128)
        const { logits } = session.runSync({ tokens, position: Int32Array.of(0) }, ['logits'])
        return [...logits!]
      } finally {
        session.close()
      }
    }
    const logits = await openAt(batch)
    expect(logits).toHaveLength(batch * 128)
    expect(logits.every(Number.isFinite)).toBe(true)
    await expect(openAt(batch + 1)).rejects.toMatchObject({ code: 'target-failed' })
  })
})

const profileOptions = (target: Target): ProfileOptions => ({
  target,
  phases: ['prefill', 'decode'],
  batchSize: LARGEST,
  promptLen: 16,
  context: CONTEXT,
  seed: 1,
  threads: 1,
  limits: { maxRelativeWidth: 0.5, minRepeats: 6, maxRepeats: 6, minMs: 1, maxMs: 2000 },
})

describe('a measurement', () => {
  // plans of the CUDA target, runs of another
  const planned: Target = {
    ...ortCpu,
    plan: (program) => planFor(program, 'bf16'),
    freeBytes: () => 2 << 20,
    open: async (program, options) => {
      const session = await ortCpu.open(program, options)
      return Object.assign(session, { runTimes: (_: number, repeats: number) => new Array<number>(repeats).fill(0.5) })
    },
  }

  it('takes each phase at its own largest batch and stores both clocks', async () => {
    const profile = await profileStacks([SPEC], profileOptions(planned))
    const batches = profile.stacks[0]!.phases.map(({ batchSize }) => batchSize)
    expect(batches.every((batch) => batch > 1)).toBe(true)
    expect(batches[0]).not.toBe(batches[1])
    const project = scratchProject()
    const onCuda = { ...profile, target: 'cuda:1', environment: readEnvironment() }
    try {
      recordProfile(project, [SPEC], onCuda)
      const rows = listMeasurements(project)
      expect(rows.map(({ batch }) => batch)).toEqual(batches)
      for (const { details, samples, target, dtype } of rows) {
        expect([target, dtype]).toEqual(['cuda:1', 'bf16'])
        expect(details['deviceMs']).toEqual(new Array<number>((details['deviceMs'] as number[]).length).fill(0.5))
        expect((details['deviceMs'] as number[]).length).toBeGreaterThanOrEqual(3)
        expect(samples.length).toBe(6)
      }
    } finally {
      closeProject(project)
    }
  })

  it('says that one sequence does not fit, or that a target does not plan', async () => {
    const tiny = { ...planned, freeBytes: () => 1000 }
    await expect(profileStacks([SPEC], profileOptions(tiny))).rejects.toMatchObject({
      code: 'target-failed',
      message: expect.stringContaining('one sequence does not fit') as string,
    })
    await expect(profileStacks([SPEC], profileOptions(ortCpu))).rejects.toMatchObject({
      code: 'usage',
      path: 'batchSize',
    })
  })
})
