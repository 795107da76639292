// An analytic landscape to search in: loss and latency of a stack of attention (a), Mamba-2 (m2), DeltaNet (d) and
// feed-forward (f) blocks. The loss falls with effective depth and with width; blocks have favourite places, neighbours
// help or hinder each other, and a stack without one of the skills pays for it. Small enough spaces are enumerated.

import { attention } from '#core/blocks/attention.ts'
import { deltanet } from '#core/blocks/deltanet.ts'
import { ffn } from '#core/blocks/ffn.ts'
import { mamba2 } from '#core/blocks/mamba2.ts'
import { isGroup } from '#core/model/spec.ts'
import type { ArchSpec, StackItem } from '#core/model/spec.ts'
import { rng } from '#core/rng.ts'
import { metricValue } from '#core/search/study/objectives.ts'
import type { Metrics, Proposed, Trial } from '#core/search/study/trial.ts'
import { proposeTrial } from '#core/search/searcher.ts'
import type { StudyPlan } from '#core/search/searcher.ts'

const A = 0
const M = 1
const D = 2
const F = 3
const CODES = new Map([attention, mamba2, deltanet, ffn].map(({ kind }, code) => [kind, code]))

/** Milliseconds of a block at width 1024, what it adds to the depth, and its favourite place from front to back. */
const BLOCKS = [
  { ms: 0.3, strength: 1, home: 0.6 },
  { ms: 0.26, strength: 0.95, home: 0.4 },
  { ms: 0.2, strength: 0.9, home: 0.1 },
  { ms: 0.12, strength: 0.9, home: 0.8 },
] as const

/** How a mixer fares after another one: `PAIR[before][this]`. */
const PAIR = [
  [0.8, 1.15, 0.9],
  [1.05, 0.85, 1.2],
  [1.1, 1.1, 0.8],
] as const

/** Blocks as codes 0 to 3. */
export function codesOf(items: readonly StackItem[]): number[] {
  return items.flatMap((item) => {
    if (isGroup(item)) return Array.from({ length: item.repeat }, () => codesOf(item.blocks)).flat()
    const code = CODES.get(item.kind)
    if (code === undefined) throw new Error(`the landscape has no ${item.kind}`)
    return [code]
  })
}

/** Nats per token; without noise. */
export function lossOf(codes: readonly number[], dModel: number): number {
  const counts = [0, 0, 0, 0]
  let depth = 0
  let before = -1
  let run = 0
  for (const [i, code] of codes.entries()) {
    counts[code]!++
    const { strength, home } = BLOCKS[code]!
    const place = codes.length === 1 ? 0.5 : i / (codes.length - 1)
    const fit = 1 - 0.6 * (place - home) ** 2
    if (code === F) {
      depth += strength * fit * 0.6 ** run
      run++
    } else {
      depth += strength * fit * (before < 0 ? 1 : PAIR[before]![code]!) * (run === 0 && before >= 0 ? 0.65 : 1)
      before = code
      run = 0
    }
  }
  const missing =
    0.25 * Math.exp(-counts[A]! / 1.2) + 0.12 * Math.exp(-counts[M]! / 2) + 0.12 * Math.exp(-counts[D]! / 2)
  return 1.6 + 2.2 * depth ** -0.45 + 9 * dModel ** -0.45 + missing
}

/** Milliseconds per token. */
export function latencyOf(codes: readonly number[], dModel: number): number {
  const wide = 0.35 + 0.65 * (dModel / 1024) ** 1.3
  return codes.reduce((sum, code) => sum + BLOCKS[code]!.ms * wide, 0.15)
}

/** Predicted latency of a spec, as `makeSpace` takes it. */
export const predictLatency = (spec: ArchSpec): number => latencyOf(codesOf(spec.blocks), spec.model.dModel!)

/** The metrics of a trial; `noise` is the standard deviation of the loss between trials. */
export function measure(spec: ArchSpec, number: number, noise = 0): Metrics {
  const codes = codesOf(spec.blocks)
  const dModel = spec.model.dModel!
  const loss = lossOf(codes, dModel) + noise * rng('noise', number).normal()
  return { valLoss: loss, tpotMs: latencyOf(codes, dModel), params: codes.length * dModel ** 2 }
}

interface BlockType {
  readonly codes: readonly number[]
}

/** Every block type of the strict template: one mixer, or two in a ratio up to 1:3, with 0 to 2 feed-forward blocks. */
function blockTypes(): BlockType[] {
  const types: BlockType[] = []
  for (let fs = 0; fs <= 2; fs++) {
    const unit = (mixer: number): number[] => [mixer, ...new Array<number>(fs).fill(F)]
    for (const first of [A, M, D]) {
      types.push({ codes: unit(first) })
      for (const second of [A, M, D]) {
        for (let times = 1; times <= 3 && second !== first; times++)
          types.push({ codes: [...unit(first), ...Array.from({ length: times }, () => unit(second)).flat()] })
      }
    }
  }
  return types
}

/**
 * Calls back with every genome of the strict template up to a depth, as codes: a stage that is absent has the type of
 * the one before. The array is used again for the next one. Independent of the encoding that it checks.
 */
export function enumerateStrict(maxBlocks: number, visit: (codes: readonly number[]) => void): void {
  const types = blockTypes()
  const stack: number[] = []
  const stage = (index: number): void => {
    if (index === 3) return visit(stack)
    const start = stack.length
    // absent
    if (index > 0) stage(index + 1)
    for (const { codes } of types) {
      while (stack.length + codes.length <= maxBlocks) {
        stack.push(...codes)
        stage(index + 1)
      }
      stack.length = start
    }
  }
  stage(0)
}

export interface Optimum {
  readonly codes: readonly number[]
  readonly dModel: number
  readonly loss: number
  /** Genomes that were looked at. */
  readonly count: number
}

/** The stack of least loss whose latency is at most `targetMs`, each at the largest width that meets it. */
export function findOptimum(maxBlocks: number, dModels: readonly number[], targetMs: number): Optimum {
  let best: Optimum = { codes: [], dModel: NaN, loss: Infinity, count: 0 }
  let count = 0
  enumerateStrict(maxBlocks, (codes) => {
    count++
    const dModel = dModels.findLast((width) => latencyOf(codes, width) <= targetMs)
    const loss = dModel === undefined ? Infinity : lossOf(codes, dModel)
    if (loss < best.loss) best = { codes: [...codes], dModel: dModel!, loss, count }
  })
  return { ...best, count }
}

/** Ends a proposal as a trial. */
export const finished = (proposed: Proposed, metrics: Metrics): Trial => ({ ...proposed, state: 'done', metrics })

/** Runs a whole study in order, one trial at a time. */
export function simulate(study: StudyPlan, budget: number, noise = 0): Trial[] {
  const rows: Trial[] = []
  for (let number = 0; number < budget; number++) {
    const { spec, ...proposal } = proposeTrial(study, rows, number)!
    rows.push(finished({ number, ...proposal }, measure(spec, number, noise)))
  }
  return rows
}

/** Least loss so far among the trials that meet a latency, after each trial. */
export function bestSoFar(rows: readonly Trial[], targetMs: number): number[] {
  let best = Infinity
  return rows.map(({ metrics }) => {
    if (metricValue(metrics, 'tpotMs') <= targetMs) best = Math.min(best, metricValue(metrics, 'valLoss'))
    return best
  })
}
