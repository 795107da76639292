// How much the quickstart does. Everything that a test makes smaller is here.

import { parseSpecText } from '#core/model/text.ts'
import type { BlockItem } from '#core/model/spec.ts'

export interface QuickstartPlan {
  /** Blocks that are searched, mixers and channel mixers. */
  readonly operators: readonly BlockItem[]
  readonly widths: readonly number[]
  readonly maxBlocks: number
  /** A known stack, at the largest width: its predicted latency is the target. */
  readonly reference: readonly BlockItem[]
  readonly context: number
  /** Seconds of measurement of the table at each width, and of a whole profile. */
  readonly tableSeconds: number
  readonly profileSeconds: number
  /** Random whole stacks that test the table at each width. */
  readonly testStacks: number
  readonly sweep: {
    readonly pattern: readonly BlockItem[]
    readonly depths: readonly number[]
    readonly budgets: readonly number[]
    readonly steps: number
  }
  readonly trials: number
  readonly finalists: number
  readonly run: {
    readonly steps: number
    readonly batchSize: number
    readonly seqLen: number
    readonly validationEvery: number
    readonly validationTokens: number
  }
  /** Stacks that are trained long, and for how many steps. */
  readonly panel: number
  readonly longSteps: number
}

const blocks = (text: string): readonly BlockItem[] => parseSpecText(text).blocks as readonly BlockItem[]

/** Six minutes on two cores. */
export const FULL: QuickstartPlan = {
  operators: blocks('{dModel: 128} a{headDim: 32} m2{headDim: 32, dState: 32} d{nHeads: 4} f'),
  widths: [64, 128],
  maxBlocks: 8,
  reference: blocks('{dModel: 128} a{headDim: 32} f'),
  context: 512,
  tableSeconds: 12,
  profileSeconds: 10,
  testStacks: 6,
  sweep: {
    pattern: blocks('{dModel: 32} d{nHeads: 2} f'),
    depths: [2, 4, 6, 8],
    budgets: [40_000, 80_000, 160_000],
    steps: 40,
  },
  trials: 24,
  finalists: 4,
  run: { steps: 40, batchSize: 8, seqLen: 128, validationEvery: 40, validationTokens: 8192 },
  panel: 8,
  longSteps: 160,
}

/** The same job in seconds, on stacks too small to mean anything: to see that it works. */
export const FAST: QuickstartPlan = {
  operators: blocks('{dModel: 32} a{headDim: 16} d{nHeads: 2} f'),
  widths: [16, 32],
  maxBlocks: 4,
  reference: blocks('{dModel: 32} a{headDim: 16} f a{headDim: 16} f'),
  context: 32,
  tableSeconds: 0.4,
  profileSeconds: 0.4,
  testStacks: 2,
  sweep: { pattern: blocks('{dModel: 16} d{nHeads: 2} f'), depths: [1, 2], budgets: [4000, 8000], steps: 2 },
  trials: 6,
  finalists: 2,
  run: { steps: 2, batchSize: 2, seqLen: 32, validationEvery: 2, validationTokens: 256 },
  panel: 4,
  longSteps: 6,
}
