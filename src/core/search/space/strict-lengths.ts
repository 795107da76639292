// Depths of three stages: counting them and drawing them. A stage of length L blocks repeated r times fills t = L r.

import type { Rng } from '../../rng.ts'
import { RATIOS } from './genome.ts'
import type { Ratio } from './genome.ts'
import { variantCount } from './operators.ts'
import type { Space } from './space.ts'

/** A block type without its operators. */
export interface Shape {
  readonly ratio: Ratio
  readonly channels: number
  /** Blocks of one repeat. */
  readonly length: number
}

/** The shapes that a space allows and that fit its depth. */
export function shapesOf({ mixers, config: { channelCounts, maxBlocks } }: Space): Shape[] {
  const ratios = variantCount(mixers) > 1 ? RATIOS : RATIOS.slice(0, 1)
  return ratios
    .flatMap((ratio, seconds) =>
      channelCounts.map((channels) => ({ ratio, channels, length: (1 + seconds) * (1 + channels) })),
    )
    .filter(({ length }) => length <= maxBlocks)
}

/** `ways[t]`: the sum of the weights of the shapes that can fill t blocks, for t from 0 to the limit; 0 for t = 0. */
export function stageWays(space: Space, weights: readonly number[]): number[] {
  const ways = new Array<number>(space.config.maxBlocks + 1).fill(0)
  shapesOf(space).forEach(({ length }, i) => {
    for (let t = length; t < ways.length; t += length) ways[t]! += weights[i]!
  })
  return ways
}

function convolve(a: readonly number[], b: readonly number[]): number[] {
  return a.map((_, total) => {
    let sum = 0
    for (let t = 0; t <= total; t++) sum += a[t]! * b[total - t]!
    return sum
  })
}

/**
 * Draws the shapes and repeats of one to three stages: the depth uniformly among those that the space allows, then one
 * of the ways to divide it up. Most of those have three stages, unless the depth is small. Ways count as often as their
 * shapes are long: short shapes fill more depths, and would else crowd out those with channel mixers.
 */
export function sampleLengths(space: Space, rng: Rng): { readonly shape: Shape; readonly repeat: number }[] {
  const shapes = shapesOf(space)
  const ways = stageWays(
    space,
    shapes.map(({ length }) => length),
  )
  // together[k][t]: ways of k stages to fill t blocks
  const together = [
    ways.map((_, t) => (t === 0 ? 1 : 0)),
    ways,
    convolve(ways, ways),
    convolve(convolve(ways, ways), ways),
  ]
  const depths = [...ways.keys()].filter(
    (t) => t >= space.config.minBlocks && together.some((row, k) => k > 0 && row[t]! > 0),
  )
  let rest = rng.pick(depths)
  const count = weighted(
    together.map((row, k) => (k === 0 ? 0 : row[rest]!)),
    rng,
  )
  return Array.from({ length: count }, (_, i) => {
    const after = together[count - 1 - i]!
    const filled = weighted(
      ways.map((way, t) => (t <= rest ? way * after[rest - t]! : 0)),
      rng,
    )
    rest -= filled
    const index = weighted(
      shapes.map(({ length }) => (filled % length === 0 ? length : 0)),
      rng,
    )
    const shape = shapes[index]!
    return { shape, repeat: filled / shape.length }
  })
}

/** An index, with probability in proportion to its weight. */
function weighted(weights: readonly number[], rng: Rng): number {
  let left = rng.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
  const last = weights.findLastIndex((weight) => weight > 0)
  return weights.findIndex((weight, i) => i === last || (left -= weight) < 0)
}
