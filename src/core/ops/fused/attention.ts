// Causal softmax attention with grouped key/value heads, sliding window and always-visible meta tokens: operators.md 4.1.

import type { Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { intAttr, demand } from '../op.ts'
import type { OpDef } from '../op.ts'

/** Keys that token i sees: all earlier ones, or the window and, when kept visible, the first `meta`. */
export function visibleKeys(i: number, window: number, meta: number): number {
  if (window === 0 || i < window) return i + 1
  return window + Math.min(meta, i - window + 1)
}

/**
 * Whole-sequence attention. Inputs q [B,T,H,K], k [B,T,G,K], v [B,T,G,K] with H a multiple of G; output [B,T,H,K].
 * `window` 0 means full; tokens before `meta` stay visible under a window.
 */
export const attention: OpDef = {
  kind: 'attention',
  hasVjpNode: true,
  doc: 'softmax(q kᵀ scale) v over visible earlier tokens (arXiv 1706.03762; grouped heads arXiv 2305.13245)',
  infer: ([q, k, v]) => {
    const [b, t, h, width] = q!.shape
    demand(
      q!.shape.length === 4 &&
        k!.shape[0] === b &&
        k!.shape[1] === t &&
        k!.shape[3] === width &&
        h! % k!.shape[2]! === 0 &&
        typeText(k!) === typeText(v!),
      () => `attention: q ${typeText(q!)}, k ${typeText(k!)}, v ${typeText(v!)}`,
    )
    return [q!]
  },
  cost: (node) => {
    const [b, t, h, width] = node.inputs[0]!.type.shape as [number, number, number, number]
    let keys = 0
    for (let i = 0; i < t; i++) keys += visibleKeys(i, intAttr(node.attrs, 'window'), intAttr(node.attrs, 'meta'))
    return { flops: 4 * b * h * width * keys }
  },
  emit: (node, e) => {
    const [b, t, h, width] = node.inputs[0]!.type.shape as [number, number, number, number]
    const groups = node.inputs[1]!.type.shape[2]!
    const flat = (i: number, heads: number): string =>
      e.node('Reshape', [e.inputs[i]!, e.ints([b, t, heads * width])])[0]!
    const window = intAttr(node.attrs, 'window')
    const [y] = e.node(
      'GroupQueryAttention',
      [
        flat(0, h),
        flat(1, groups),
        flat(2, groups),
        '',
        '',
        e.constant('i32', [b], new Int32Array(b).fill(t - 1)),
        e.constant('i32', [], [t]),
      ],
      {
        num_heads: h,
        kv_num_heads: groups,
        scale: { float: node.attrs['scale'] as number },
        local_window_size: window === 0 ? -1 : window,
      },
      { domain: 'com.microsoft', outputs: 3 },
    )
    return e.node('Reshape', [y!, e.ints([b, t, h, width])])
  },
  decompose: (g, node) => {
    const [q, k, v] = node.inputs as [Value, Value, Value]
    const [b, t, h, width] = q.type.shape as [number, number, number, number]
    const groups = k.type.shape[2]!
    const rows = groupRows(g, g.scale(q, node.attrs['scale'] as number), groups) // [B, G, H/G·T, K]
    const keys = g.transpose(k, [0, 2, 1, 3])
    const values = g.transpose(v, [0, 2, 1, 3])
    const scores = g.reshape(g.matmul(rows, keys, { transposeB: true }), [b, h, t, t])
    const weights = g.one('softmax', [
      g.add(scores, mask(g, t, intAttr(node.attrs, 'window'), intAttr(node.attrs, 'meta'))),
    ])
    const mixed = g.matmul(g.reshape(weights, [b, groups, (h / groups) * t, t]), values)
    return [g.transpose(g.reshape(mixed, [b, h, t, width]), [0, 2, 1, 3])]
  },
}

/** Queries of the heads that share a key head, as rows of one matrix: [B,T,H,K] -> [B,G,(H/G)·T,K]. */
function groupRows(g: GraphBuilder, q: Value, groups: number): Value {
  const [b, t, h, width] = q.type.shape as [number, number, number, number]
  return g.reshape(g.transpose(q, [0, 2, 1, 3]), [b, groups, (h / groups) * t, width])
}

function mask(g: GraphBuilder, t: number, window: number, meta: number): Value {
  if (window === 0) return g.lowerMask(t)
  return g.shared(`window mask ${t} ${window} ${meta}`, () => {
    const data = new Float32Array(t * t)
    for (let i = 0; i < t; i++)
      for (let j = 0; j < t; j++) data[i * t + j] = j <= i && (i - j < window || j < meta) ? 0 : -1e30
    return g.constant([t, t], data)
  })
}

/**
 * One token against a cache. Inputs q [B,1,H,K], k and v [B,1,G,K], caches [B,G,n,K], position i32 scalar (tokens seen so
 * far); outputs [B,1,H,K] and both caches with the token written at its slot. Without a window the slot is the position;
 * with one, the first `meta` rows stay (when kept visible) and the rest is a ring. Keys carry their rotation already.
 */
export const attentionStep: OpDef = {
  kind: 'attention_step',
  doc: 'attention of one token over a key/value cache, which it joins; ring buffer under a window',
  infer: ([q, k, , kCache, vCache, position]) => {
    const [b, one, h] = q!.shape
    const [, groups, , width] = kCache!.shape
    demand(
      one === 1 &&
        kCache!.shape[0] === b &&
        h! % groups! === 0 &&
        k!.shape[2] === groups &&
        q!.shape[3] === width &&
        position!.dtype === 'i32',
      () => `attention_step: q ${typeText(q!)}, k ${typeText(k!)}, cache ${typeText(kCache!)}`,
    )
    return [q!, kCache!, vCache!]
  },
  cost: (node) => {
    const [b, , h, width] = node.inputs[0]!.type.shape as [number, number, number, number]
    return { flops: 4 * b * h * width * node.inputs[3]!.type.shape[2]! }
  },
  emit: (node, e) => {
    const [b, , h, width] = node.inputs[0]!.type.shape as [number, number, number, number]
    const [, groups] = node.inputs[3]!.type.shape as [number, number]
    const flat = (i: number, heads: number): string =>
      e.node('Reshape', [e.inputs[i]!, e.ints([b, 1, heads * width])])[0]!
    const [seen] = e.node('Expand', [e.inputs[5]!, e.ints([b])])
    const [total] = e.node('Add', [e.inputs[5]!, e.constant('i32', [], [1])])
    const [y, keys, values] = e.node(
      'GroupQueryAttention',
      [flat(0, h), flat(1, groups), flat(2, groups), e.inputs[3]!, e.inputs[4]!, seen!, total!],
      {
        num_heads: h,
        kv_num_heads: groups,
        scale: { float: node.attrs['scale'] as number },
      },
      { domain: 'com.microsoft', outputs: 3 },
    )
    return [e.node('Reshape', [y!, e.ints([b, 1, h, width])])[0]!, keys!, values!]
  },
  decompose: (g, node) => {
    const [q, k, v, kCache, vCache, position] = node.inputs as [Value, Value, Value, Value, Value, Value]
    const [b, , h, width] = q.type.shape as [number, number, number, number]
    const [, groups, n] = kCache.type.shape as [number, number, number, number]
    const slot = ringSlot(g, position, n, intAttr(node.attrs, 'window'), intAttr(node.attrs, 'meta'))
    const keys = g.update(kCache, g.transpose(k, [0, 2, 1, 3]), slot, 2)
    const values = g.update(vCache, g.transpose(v, [0, 2, 1, 3]), slot, 2)
    const rows = groupRows(g, g.scale(q, node.attrs['scale'] as number), groups) // [B, G, H/G, K]
    const filled = g.less(
      g.constant(
        [1, 1, 1, n],
        Int32Array.from({ length: n }, (_, i) => i),
        'i32',
      ),
      g.add(position, g.scalar(1, 'i32')),
    )
    const hidden = g.where(filled, g.scalar(0), g.scalar(-1e30))
    const weights = g.one('softmax', [g.add(g.matmul(rows, keys, { transposeB: true }), hidden)])
    const mixed = g.reshape(g.matmul(weights, values), [b, h, 1, width])
    return [g.transpose(mixed, [0, 2, 1, 3]), keys, values]
  },
}

/** Where a token at `position` is written in a cache of n rows whose first `meta` rows stay. */
function ringSlot(g: GraphBuilder, position: Value, n: number, window: number, meta: number): Value {
  if (window === 0) return position
  // integer division by way of float: positions stay far below 2^24
  const after = g.cast(g.sub(position, g.scalar(meta, 'i32')), 'f32')
  const laps = g.cast(g.div(g.add(after, g.scalar(0.5)), g.scalar(n - meta)), 'i32')
  const wrapped = g.sub(position, g.mul(laps, g.scalar(n - meta, 'i32')))
  return g.where(g.less(position, g.scalar(n, 'i32')), position, wrapped)
}
