// First-order element-wise recurrence over time and the selective scan of Mamba-1 built on it (arXiv 2312.00752).

import type { Value } from '../../graph/types.ts'
import { sizeOf, typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { demand } from '../op.ts'
import type { OpDef } from '../op.ts'

const CHUNK = 16

/**
 * h_t = e^decay_t h_(t-1) + x_t, element by element. Inputs decay (<= 0) and x [B,T,E], state [B,E]; output h [B,T,E].
 * With `reverse`, time runs backwards: h_t = e^decay_t h_(t+1) + x_t. The decomposition is a parallel scan inside chunks
 * (log2 steps of a doubling reach) and hands one row from chunk to chunk.
 */
export const linearScan: OpDef = {
  kind: 'linear_scan',
  doc: 'h_t = e^decay_t h_(t-1) + x_t element-wise over time',
  infer: ([decay, x, state]) => {
    const [b, , e] = x!.shape
    demand(
      x!.shape.length === 3 && typeText(decay!) === typeText(x!) && state!.shape[0] === b && state!.shape[1] === e,
      () => `linear_scan: ${typeText(decay!)} ${typeText(x!)} ${typeText(state!)}`,
    )
    return [x!]
  },
  vjp: (g, node, [ct]) => {
    const [decay, , state] = node.inputs as [Value, Value, Value]
    const h = node.outputs[0]!
    const [b, t, e] = h.type.shape as [number, number, number]
    const reverse = node.attrs['reverse'] === true
    const initial = g.reshape(state, [b, 1, e])
    const previous = reverse
      ? g.concat([g.slice(h, 1, 1, t), initial], 1)
      : g.concat([initial, g.slice(h, 1, 0, t - 1)], 1)
    const shifted = reverse ? g.pad(g.slice(decay, 1, 0, t - 1), 1, 1, 0) : g.pad(g.slice(decay, 1, 1, t), 1, 0, 1)
    const dx = g.one('linear_scan', [shifted, ct!, g.zeros([b, e])], reverse ? {} : { reverse: true })
    const factor = g.exp(decay)
    const carried = g.mul(dx, factor)
    const first = reverse ? g.slice(carried, 1, t - 1, t) : g.slice(carried, 1, 0, 1)
    return [g.mul(carried, previous), dx, g.reshape(first, [b, e])]
  },
  decompose: (g, node) => {
    const [decay, x, state] = node.inputs as [Value, Value, Value]
    const [b, t, e] = x.type.shape as [number, number, number]
    const reverse = node.attrs['reverse'] === true
    if (t === 1) return [g.add(x, g.mul(g.exp(decay), g.reshape(state, [b, 1, e])))]
    const size = Math.min(CHUNK, t)
    const n = Math.ceil(t / size)
    const missing = n * size - t
    const grid = (v: Value): Value =>
      g.reshape(reverse ? g.pad(v, 1, missing, 0) : g.pad(v, 1, 0, missing), [b, n, size, e])
    const c = g.matmul(g.lowerOnes(size), grid(decay), reverse ? { transposeA: true } : {})
    const inside = scanInside(g, grid(x), c, size, reverse)
    const fromStart = g.exp(c)
    const rows: Value[] = []
    let carry = g.reshape(state, [b, 1, 1, e])
    for (let step = 0; step < n; step++) {
      const i = reverse ? n - 1 - step : step
      const chunk = g.add(g.slice(inside, 1, i, i + 1), g.mul(g.slice(fromStart, 1, i, i + 1), carry))
      rows.push(chunk)
      carry = reverse ? g.slice(chunk, 2, 0, 1) : g.slice(chunk, 2, size - 1, size)
    }
    const h = g.reshape(g.concat(reverse ? rows.reverse() : rows, 1), [b, n * size, e])
    return [reverse ? g.slice(h, 1, missing, n * size) : g.slice(h, 1, 0, t)]
  },
}

/** Doubling scan over axis 2 of [B, n, C, E] with cumulative log decays c: after the step of reach s, rows cover 2s tokens. */
function scanInside(g: GraphBuilder, x: Value, c: Value, size: number, reverse: boolean): Value {
  let h = x
  for (let reach = 1; reach < size; reach *= 2) {
    const [near, far] = reverse
      ? [
          [0, size - reach],
          [reach, size],
        ]
      : [
          [reach, size],
          [0, size - reach],
        ]
    const factor = g.exp(g.sub(g.slice(c, 2, near![0]!, near![1]!), g.slice(c, 2, far![0]!, far![1]!)))
    const moved = g.mul(factor, g.slice(h, 2, far![0]!, far![1]!))
    h = g.add(h, reverse ? g.pad(moved, 2, 0, reach) : g.pad(moved, 2, reach, 0))
  }
  return h
}

/**
 * Inputs x, dt [B,T,E], A [E,N] (negative), B, C [B,T,N], state [B,E,N]. h_t = exp(dt A) h_(t-1) + dt x Bᵀ; y_t = h_t C.
 * Outputs y [B,T,E] and the last state.
 */
export const selectiveScan: OpDef = {
  kind: 'selective_scan',
  hasVjpNode: true,
  doc: 'h_t = exp(dt A) h_(t-1) + dt x_t B_tᵀ; y_t = h_t C_t per channel (arXiv 2312.00752)',
  infer: (types) => {
    const [x, dt, a, b, c, state] = types as [
      (typeof types)[0] & {},
      (typeof types)[0] & {},
      (typeof types)[0] & {},
      (typeof types)[0] & {},
      (typeof types)[0] & {},
      (typeof types)[0] & {},
    ]
    const n = a.shape[1]!
    const [batch, t, e] = x.shape as [number, number, number]
    demand(
      typeText(x) === typeText(dt) &&
        a.shape[0] === e &&
        b.shape[2] === n &&
        b.shape[1] === t &&
        typeText(b) === typeText(c) &&
        typeText(state) === typeText({ dtype: x.dtype, shape: [batch, e, n] }),
      () => `selective_scan: ${types.map(typeText).join(' ')}`,
    )
    return [x, state]
  },
  cost: (node) => ({ flops: 6 * sizeOf(node.inputs[0]!.type.shape) * node.inputs[2]!.type.shape[1]! }),
  decompose: (g, node) => {
    const [x, dt, a, b, c, state] = node.inputs as [Value, Value, Value, Value, Value, Value]
    const [batch, t, e] = x.type.shape as [number, number, number]
    const n = a.type.shape[1]!
    const perChannel = (v: Value): Value => g.reshape(v, [batch, t, e, 1])
    const perState = (v: Value): Value => g.reshape(v, [batch, t, 1, n])
    const flat = (v: Value): Value => g.reshape(v, [batch, t, e * n])
    const decay = flat(g.mul(perChannel(dt), a))
    const added = flat(g.mul(perChannel(g.mul(dt, x)), perState(b)))
    const h = g.one('linear_scan', [decay, added, g.reshape(state, [batch, e * n])])
    const y = g.matmul(g.reshape(h, [batch, t, e, n]), g.reshape(c, [batch, t, n, 1])) // [B, T, E, 1]
    return [g.reshape(y, [batch, t, e]), g.reshape(g.slice(h, 1, t - 1, t), [batch, e, n])]
  },
}
