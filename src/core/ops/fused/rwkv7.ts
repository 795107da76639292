import type { Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { intAttr, demand } from '../op.ts'
import type { OpDef } from '../op.ts'
import {
  chunkAt,
  cumulative,
  decayedScores,
  fromChunks,
  lastRow,
  passState,
  planChunks,
  remaining,
  swapLast,
  toChunks,
} from './chunks.ts'
import type { ChunkPlan } from './chunks.ts'

/**
 * The RWKV-7 recurrence. Inputs r, decay (logarithm, <= 0), k, v, kappa, b = kappa ⊙ a, all [B,T,H,K], and the state
 * [B,H,K,K] as [key, value]. S <- diag(e^decay) S - b (Sᵀ kappa)ᵀ + k vᵀ, the right side reading the old S; o = Sᵀ r.
 * Outputs o [B,T,H,K] and the last state. Source: arXiv 2503.14456; chunk form operators.md section 5.
 */
export const rwkv7Recurrence: OpDef = {
  kind: 'rwkv7_recurrence',
  hasVjpNode: true,
  doc: 'S_t = diag(w) S - b (Sᵀκ)ᵀ + k vᵀ with S = S_(t-1); o_t = S_tᵀ r_t',
  infer: (types) => {
    const [r] = types
    const state = types[6]!
    const [b, , h, width] = r!.shape as [number, number, number, number]
    const text = (): string => `rwkv7_recurrence: ${types.map(typeText).join(' ')}`
    demand(types.length === 7 && types.slice(0, 6).every((t) => typeText(t) === typeText(r!)), text)
    demand(typeText(state) === typeText({ dtype: r!.dtype, shape: [b, h, width, width] }), text)
    return [r!, state]
  },
  cost: (node) => {
    const [b, t, h, width] = node.inputs[0]!.type.shape as [number, number, number, number]
    const c = intAttr(node.attrs, 'chunk')
    if (c === 1) return { flops: 9 * b * t * h * width * width }
    return { flops: b * t * h * (8 * width * width + 18 * c * width + (c * c) / 3) }
  },
  decompose: (g, node) => {
    const inputs = node.inputs as Operands
    const [b, t] = inputs[0].type.shape as [number, number]
    return t === 1 ? recurrent(g, inputs) : chunked(g, inputs, planChunks(b, t, intAttr(node.attrs, 'chunk')))
  },
}

type Operands = readonly [r: Value, decay: Value, k: Value, v: Value, kappa: Value, b: Value, state: Value]

function recurrent(g: GraphBuilder, [r, decay, k, v, kappa, b, state]: Operands): [Value, Value] {
  const [batch, heads, width] = state.type.shape as [number, number, number, number]
  const column = (x: Value): Value => g.reshape(x, [batch, heads, width, 1])
  const row = (x: Value): Value => g.reshape(x, [batch, heads, 1, width])
  const read = g.matmul(row(kappa), state) // [B, H, 1, V]
  const kept = g.sub(g.mul(state, g.exp(column(decay))), g.mul(column(b), read))
  const s = g.add(kept, g.mul(column(k), row(v)))
  return [g.reshape(g.matmul(row(r), s), [batch, 1, heads, width]), s]
}

function chunked(g: GraphBuilder, inputs: Operands, plan: ChunkPlan): [Value, Value] {
  const [batch, heads, width] = inputs[6].type.shape as [number, number, number, number]
  const [r, decay, k, v, kappa, b] = inputs.slice(0, 6).map((x) => toChunks(g, x, heads, plan)) as [
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
  ]
  const c = cumulative(g, decay)
  const exclusive = g.sub(c, decay)
  const end = lastRow(g, c)
  const fade = g.exp(remaining(g, decay))
  const fadedK = g.mul(k, fade),
    fadedB = g.mul(b, fade)
  const whole = swapLast(g, g.exp(end))
  const solve = g.one('tri_inverse', [decayedScores(g, kappa, b, decay, true)])
  const fromState = g.matmul(solve, g.mul(kappa, g.exp(exclusive)))
  const fromValues = g.matmul(solve, g.matmul(decayedScores(g, kappa, k, decay, true), v))
  const removed: Value[] = []
  const state = g.reshape(inputs[6], [batch, heads, 1, 1, width, width])
  const { before, last } = passState(g, state, plan.count, (i, s) => {
    const at = (x: Value): Value => chunkAt(g, x, i)
    const x = g.add(at(fromValues), g.matmul(at(fromState), s))
    removed.push(x)
    const written = g.sub(
      g.matmul(at(fadedK), at(v), { transposeA: true }),
      g.matmul(at(fadedB), x, { transposeA: true }),
    )
    return g.add(g.mul(s, at(whole)), written)
  })
  const inside = g.sub(
    g.matmul(decayedScores(g, r, k, decay, false), v),
    g.matmul(decayedScores(g, r, b, decay, false), g.concat(removed, 3)),
  )
  const o = g.add(g.matmul(g.mul(r, g.exp(c)), before), inside)
  return [fromChunks(g, o, plan), g.reshape(last, [batch, heads, width, width])]
}
