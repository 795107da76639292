// Log likelihoods of many sequences of different lengths. Sequences are padded on the right, where a causal model cannot
// see the padding, to a few lengths, so that few graphs are compiled.

import { IGNORE_INDEX } from '#core/model/lower.ts'
import type { ProgressEvent } from '../progress.ts'
import type { Session, Target } from '../targets/target.ts'
import type { Request } from './encode.ts'
import { openForward } from './model.ts'
import type { EvalModel } from './model.ts'
import type { Likelihood } from './score.ts'

export interface LikelihoodOptions {
  readonly batchSize: number
  readonly threads: number | null
  readonly phase: string
  readonly onProgress?: (event: ProgressEvent) => void
  readonly signal?: AbortSignal | undefined
}

const SHORTEST = 32

/** The length that a sequence is padded to: the next power of two. */
export const paddedLength = (length: number): number => Math.max(SHORTEST, 2 ** Math.ceil(Math.log2(length)))

/** The likelihood of each request's scored targets, in the order of the requests; undefined when cancelled. */
export async function likelihoods(
  model: EvalModel,
  target: Target,
  requests: readonly Request[],
  options: LikelihoodOptions,
): Promise<Likelihood[] | undefined> {
  const { batchSize, threads, phase, onProgress, signal } = options
  const results = new Array<Likelihood>(requests.length)
  const buckets = Map.groupBy(requests.keys(), (i) => paddedLength(requests[i]!.tokens.length))
  let done = 0
  // the longest first: what does not fit in memory fails at once
  for (const [seqLen, indices] of [...buckets].sort(([a], [b]) => b - a)) {
    const session = await openForward(model, target, { batchSize, seqLen }, ['logProbs', 'predictions'], threads)
    try {
      for (let at = 0; at < indices.length; at += batchSize) {
        if (signal?.aborted === true) return undefined
        const batch = indices.slice(at, at + batchSize)
        const likely = await runBatch(
          session,
          batch.map((i) => requests[i]!),
          batchSize,
          seqLen,
        )
        likely.forEach((likelihood, row) => (results[batch[row]!] = likelihood))
        done += batch.length
        onProgress?.({ phase, done, total: requests.length, unit: 'sequences' })
      }
    } finally {
      session.close()
    }
  }
  return results
}

async function runBatch(
  session: Session,
  batch: readonly Request[],
  batchSize: number,
  seqLen: number,
): Promise<Likelihood[]> {
  const tokens = new Int32Array(batchSize * seqLen),
    targets = new Int32Array(batchSize * seqLen).fill(IGNORE_INDEX)
  batch.forEach((request, row) => {
    tokens.set(request.tokens, row * seqLen)
    targets.set(request.targets, row * seqLen)
  })
  const { logProbs, predictions } = await session.run({ tokens, targets }, ['logProbs', 'predictions'])
  return batch.map((request, row) => {
    let logLikelihood = 0
    let isGreedy = true
    request.targets.forEach((wanted, i) => {
      if (wanted === IGNORE_INDEX) return
      logLikelihood += logProbs![row * seqLen + i]!
      isGreedy &&= predictions![row * seqLen + i] === wanted
    })
    return { logLikelihood, isGreedy }
  })
}
