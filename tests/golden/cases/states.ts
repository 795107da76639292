// Between the layouts of our states and those of operators.md.

import type { Block } from '#core/blocks/index.ts'
import { sizeOf } from '#core/graph/types.ts'
import type { ParamValues } from '#core/params.ts'
import type { GoldenTensor } from '../tensors.ts'

/** Whose state it is. */
export interface StateOwner {
  readonly block: Block
  readonly params: ParamValues
  readonly metaTokens: number
}

/**
 * One of our states as operators.md lays it out.
 * @param name without the prefix of the layer
 * @param tokens seen so far, meta tokens included
 */
export function goldenLayout(owner: StateOwner, name: string, state: GoldenTensor, tokens: number): GoldenTensor {
  if (name === 'k_cache' || name === 'v_cache') return orderedCache(owner, state, tokens)
  return owner.block.kind === 'mamba2' && name === 'ssm_state' ? swapLast(state) : state
}

/** [B, G, rows, K] in order of position: only what has been seen and is still visible. */
function orderedCache({ params, metaTokens }: StateOwner, { shape, data }: GoldenTensor, tokens: number): GoldenTensor {
  const [batch, groups, rows, width] = shape as [number, number, number, number]
  const window = params['window'] as number | null
  const meta = window !== null && params['metaAlwaysVisible'] === true ? metaTokens : 0
  const positions = Array.from({ length: tokens }, (_, p) => p).filter(
    (p) => window === null || p < meta || p >= tokens - window,
  )
  const slotOf = (p: number): number => (p < rows ? p : meta + ((p - meta) % (rows - meta)))
  const ordered = new Float32Array(batch * groups * positions.length * width)
  for (let pair = 0; pair < batch * groups; pair++) {
    positions.forEach((p, i) => {
      const from = (pair * rows + slotOf(p)) * width
      ordered.set(data.subarray(from, from + width), (pair * positions.length + i) * width)
    })
  }
  return { shape: [batch, groups, positions.length, width], data: ordered }
}

function swapLast({ shape, data }: GoldenTensor): GoldenTensor {
  const [rows, columns] = shape.slice(-2) as [number, number]
  const swapped = new Float32Array(sizeOf(shape))
  for (let i = 0; i < swapped.length; i++) {
    const matrix = Math.floor(i / (rows * columns)) * rows * columns
    const row = Math.floor((i - matrix) / columns)
    const column = (i - matrix) % columns
    swapped[matrix + column * rows + row] = data[i]!
  }
  return { shape: [...shape.slice(0, -2), columns, rows], data: swapped }
}
