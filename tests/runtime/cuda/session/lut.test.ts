// The look-up table on the CUDA target: every part is a program that it plans and runs, bare embedding and layers included.

import { expect, it } from 'vitest'
import { parseSpecText } from '#core/model/text.ts'
import type { BlockItem } from '#core/model/spec.ts'
import { measureLut } from '#main/runtime/profile/lut.ts'
import { cpuTarget } from '../cpu-target.ts'

const target = cpuTarget('bf16')

it.skipIf(!target.probe().isAvailable).each(['decode', 'prefill'] as const)(
  'costs of blocks and whole stacks, %s',
  { timeout: 240_000 },
  async (phase) => {
    const model = { dModel: 64, vocabSize: 48, metaTokens: 2 }
    const stack = parseSpecText('{dModel: 64, vocabSize: 48, metaTokens: 2} d{nHeads: 2} f')
    const { entries, stacks } = await measureLut(
      {
        model,
        phase,
        batchSize: 1,
        context: 8,
        operators: stack.blocks as readonly BlockItem[],
        hasBase: true,
        copies: [1, 2],
        stacks: [stack],
      },
      { target, seed: 1, limits: { minRepeats: 6, maxRepeats: 6, minMs: 1, maxMs: 60_000, maxRelativeWidth: 1 } },
    )
    expect(entries.map(({ part, name }) => [part, name])).toEqual([
      ['floor', 'floor'],
      ['embedding', 'embedding'],
      ['head', 'head'],
      ['layer', 'layer'],
      ['block', 'd{nHeads: 2}'],
      ['block', 'f'],
    ])
    for (const { samplesMs } of entries) expect(samplesMs.every((ms) => ms > 0)).toBe(true)
    expect(stacks).toHaveLength(1)
    expect(stacks[0]!.latency.p50Ms).toBeGreaterThan(0)
  },
)
