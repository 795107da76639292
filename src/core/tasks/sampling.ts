// Draws that several tasks share.

import type { Rng } from '../rng.ts'

/** The ids `first`, `first + 1`, ... of a part of the vocabulary. */
export function idRange(first: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => first + i)
}

/** Fills `tokens` with ids drawn evenly from `[first, first + count)`. */
export function fillUniform(rng: Rng, tokens: Int32Array, first: number, count: number): void {
  for (let t = 0; t < tokens.length; t++) tokens[t] = first + rng.integer(count)
}

/**
 * Moves `count` distinct elements of `pool`, in random order, to its front (a Fisher-Yates shuffle that stops early).
 * The pool may be used again as it is: every arrangement is as good a start as another.
 */
export function drawDistinct(rng: Rng, pool: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const j = i + rng.integer(pool.length - i)
    const drawn = pool[j]!
    pool[j] = pool[i]!
    pool[i] = drawn
  }
}
