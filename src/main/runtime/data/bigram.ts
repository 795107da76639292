// The baseline that a language model must beat: a bigram over the same tokens, smoothed with interpolated Kneser-Ney (Kneser
// & Ney 1995; Chen & Goodman 1999, section 2.7). Its one parameter, the discount, is tuned on the end of the training split.

import type { SplitName, TokenDataset } from './dataset.ts'
import { pairCounts, type PairCounts } from './pair-counts.ts'

export interface BigramScore {
  /** Cross-entropy of the held-out tokens, end-of-document ids included. */
  readonly bitsPerToken: number
  /** All bits divided by the bytes of the held-out text; null where the corpus came as tokens. */
  readonly bitsPerByte: number | null
  /** The same for a model of single tokens, which sees no context. */
  readonly unigramBitsPerByte: number | null
  readonly discount: number
  readonly trainTokens: number
  readonly validationTokens: number
}

const DISCOUNTS = Array.from({ length: 19 }, (_, i) => (i + 1) / 20)
const READ_TOKENS = 2 ** 18

/**
 * Fits the bigram on the training split and scores it on the held-out documents, each token given the one before it.
 * @param maxTokens the most tokens that are read of either split
 */
export function bigramBitsPerByte(dataset: TokenDataset, maxTokens = 100_000_000): BigramScore {
  const trainTokens = Math.min(maxTokens, dataset.cache.train.tokens)
  const validationTokens = Math.min(maxTokens, dataset.cache.validation.tokens)
  const counts = pairCounts(dataset.vocabSize)
  const tuneFrom = Math.floor(trainTokens * 0.9)
  forPairs(dataset, 'train', 0, tuneFrom, counts.add)

  const bits = DISCOUNTS.map(() => 0)
  forPairs(dataset, 'train', tuneFrom, trainTokens, (left, right) => {
    for (const [i, discount] of DISCOUNTS.entries()) bits[i]! -= Math.log2(kneserNey(counts, left, right, discount))
  })
  const discount = DISCOUNTS[bits.indexOf(Math.min(...bits))]!
  forPairs(dataset, 'train', tuneFrom, trainTokens, counts.add)

  let total = 0
  let unigramTotal = 0
  forPairs(dataset, 'validation', 0, validationTokens, (left, right) => {
    total -= Math.log2(kneserNey(counts, left, right, discount))
    unigramTotal -= Math.log2((counts.occurrences(right) + 1) / (counts.total + dataset.vocabSize))
  })
  const bytes = dataset.validationBytes(1, validationTokens - 1)
  const scored = validationTokens - 1
  return {
    bitsPerToken: total / scored,
    bitsPerByte: bytes === null ? null : total / bytes,
    unigramBitsPerByte: bytes === null ? null : unigramTotal / bytes,
    discount,
    trainTokens,
    validationTokens: scored,
  }
}

/**
 * P(right | left) = max(c(left, right) - d, 0) / c(left) + d · N(left •) / c(left) · P(right), where N counts distinct
 * successors and P(right) is the share of distinct pairs that end in `right`, with one more for each entry so that nothing
 * is impossible.
 */
function kneserNey(counts: PairCounts, left: number, right: number, discount: number): number {
  const lower = (counts.predecessors(right) + 1) / (counts.distinct + counts.vocabSize)
  const context = counts.contexts(left)
  if (context === 0) return lower
  const own = Math.max(counts.count(left, right) - discount, 0)
  return (own + discount * counts.successors(left) * lower) / context
}

/** Calls with each pair of neighbours whose right one lies in [from, to). */
function forPairs(
  dataset: TokenDataset,
  split: SplitName,
  from: number,
  to: number,
  visit: (left: number, right: number) => void,
): void {
  for (let start = Math.max(1, from); start < to; start += READ_TOKENS) {
    const length = Math.min(READ_TOKENS, to - start)
    const tokens = dataset.read(split, start - 1, length + 1)
    for (let i = 1; i <= length; i++) visit(tokens[i - 1]!, tokens[i]!)
  }
}
