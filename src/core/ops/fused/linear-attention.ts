// Linear attention with a matrix state, in the four update rules that the field uses, each chunked for sequences and
// recurrent for one token. Sources: operators.md sections 3 and 5; arXiv 2006.16236 (linear), 2312.06635 and 2405.21060
// (gated), 2406.06484 (delta), 2412.06464 (gated delta).

import type { Node, TensorType, Value } from '../../graph/types.ts'
import { sizeOf, typeText } from '../../graph/types.ts'
import type { GraphBuilder } from '../builder.ts'
import { intAttr, demand, textAttr } from '../op.ts'
import type { OpDef } from '../op.ts'
import {
  chunkAt,
  cumulative,
  decayedScores,
  decayMatrix,
  fromChunks,
  lastRow,
  passState,
  planChunks,
  remaining,
  swapLast,
  toChunks,
} from './chunks.ts'
import type { ChunkPlan } from './chunks.ts'

export type UpdateRule = 'linear' | 'gated' | 'delta' | 'gated_delta'

interface Operands {
  readonly q: Value
  readonly k: Value
  readonly v: Value
  readonly state: Value
  readonly decay?: Value
  readonly beta?: Value
}

const isGated = (rule: string): boolean => rule === 'gated' || rule === 'gated_delta'
const isDelta = (rule: string): boolean => rule === 'delta' || rule === 'gated_delta'

function operands(node: Node): Operands {
  const [q, k, v, state, ...rest] = node.inputs as [Value, Value, Value, Value, ...Value[]]
  const rule = textAttr(node.attrs, 'rule')
  return { q, k, v, state, ...(isGated(rule) && { decay: rest[0]! }), ...(isDelta(rule) && { beta: rest.at(-1)! }) }
}

/**
 * Inputs: q, k [B,T,G,K], v [B,T,H,V] with H a multiple of G, state [B,H,K,V], then by rule `decay` (logarithm, <= 0;
 * [B or 1,T,H] or per key [B,T,H,K]) and `beta` [B,T,H]. Per token: S <- e^decay S; w = v, or for delta rules
 * beta (v - Sᵀk); S <- S + k wᵀ; o = scale Sᵀq. Outputs o [B,T,H,V] and the last state.
 */
export const linearAttention: OpDef = {
  kind: 'linear_attention',
  hasVjpNode: true,
  doc: 'o_t = scale S_tᵀ q_t with S_t = e^decay S_(t-1) + k_t w_tᵀ, w = v or beta (v - Sᵀk)',
  infer: (types, attrs) => {
    const [q, k, v, state] = types as [TensorType, TensorType, TensorType, TensorType]
    const rule = textAttr(attrs, 'rule')
    const [b, t, groups, width] = q.shape as [number, number, number, number]
    const [, , heads, values] = v.shape as [number, number, number, number]
    const text = (): string => `linear_attention ${rule}: ${types.map(typeText).join(' ')}`
    demand(types.length === 4 + Number(isGated(rule)) + Number(isDelta(rule)), text)
    demand(typeText(q) === typeText(k) && v.shape[0] === b && v.shape[1] === t && heads % groups === 0, text)
    demand(typeText(state) === typeText({ dtype: q.dtype, shape: [b, heads, width, values] }), text)
    if (isGated(rule)) {
      const decay = types[4]!.shape
      demand(
        (decay[0] === b || decay[0] === 1) &&
          decay[1] === t &&
          decay[2] === heads &&
          (decay.length === 3 || decay[3] === width),
        text,
      )
      demand(rule === 'gated' || decay.length === 3, text)
    }
    if (isDelta(rule)) demand(typeText(types.at(-1)!) === typeText({ dtype: q.dtype, shape: [b, t, heads] }), text)
    return [v, state]
  },
  cost: (node) => {
    const { q, v } = operands(node)
    const rule = textAttr(node.attrs, 'rule')
    const [b, t, groups, dk] = q.type.shape as [number, number, number, number]
    const [, , heads, dv] = v.type.shape as [number, number, number, number]
    const c = intAttr(node.attrs, 'chunk')
    if (c === 1) return { flops: b * t * heads * dk * dv * (4 + Number(isGated(rule)) + 2 * Number(isDelta(rule))) }
    if (isDelta(rule)) return { flops: b * t * heads * (6 * dk * dv + 2 * c * (3 * dk + 2 * dv) + (c * c) / 3) }
    return { flops: b * t * (heads * (4 * dk * dv + 2 * c * dv) + groups * 2 * c * dk) }
  },
  emit: (node, e) => {
    const { q, v, decay } = operands(node)
    const rule = textAttr(node.attrs, 'rule')
    const [b, t, groups, dk] = q.type.shape as [number, number, number, number]
    const [, , heads, dv] = v.type.shape as [number, number, number, number]
    const flat = (i: number, width: number): string => e.node('Reshape', [e.inputs[i]!, e.ints([b, t, width])])[0]!
    let decayName = ''
    if (decay !== undefined) {
      const width = sizeOf(decay.type.shape.slice(2))
      const [rows] = e.node('Reshape', [e.inputs[4]!, e.ints([decay.type.shape[0]!, t, width])])
      decayName = decay.type.shape[0] === b ? rows! : e.node('Expand', [rows!, e.ints([b, t, width])])[0]!
    }
    const beta = isDelta(rule) ? e.inputs.at(-1)! : ''
    const [o, state] = e.node(
      'LinearAttention',
      [flat(0, groups * dk), flat(1, groups * dk), flat(2, heads * dv), e.inputs[3]!, decayName, beta],
      {
        update_rule: rule,
        scale: { float: node.attrs['scale'] as number },
        q_num_heads: groups,
        kv_num_heads: heads,
      },
      { domain: 'com.microsoft', outputs: 2 },
    )
    return [e.node('Reshape', [o!, e.ints([b, t, heads, dv])])[0]!, state!]
  },
  decompose: (g, node) => {
    const parts = operands(node)
    const scaled = { ...parts, q: g.scale(parts.q, node.attrs['scale'] as number) }
    if (parts.q.type.shape[1] === 1) return recurrent(g, scaled)
    const plan = planChunks(parts.q.type.shape[0]!, parts.q.type.shape[1]!, intAttr(node.attrs, 'chunk'))
    if (parts.decay?.type.shape.length === 4) return chunkedByKey(g, scaled, parts.decay, plan)
    return chunked(g, scaled, plan)
  },
}

/** One token: the definition itself. */
function recurrent(g: GraphBuilder, { q, k, v, state, decay, beta }: Operands): [Value, Value] {
  const [b, heads, , dv] = state.type.shape as [number, number, number, number]
  const perHead = (x: Value): Value => {
    const [, , groups, width] = x.type.shape as [number, number, number, number]
    const spread = g.broadcast(g.reshape(x, [b, groups, 1, width]), [b, groups, heads / groups, width])
    return g.reshape(spread, [b, heads, width, 1])
  }
  let s = state
  if (decay !== undefined)
    s = g.mul(s, g.exp(g.reshape(decay, [decay.type.shape[0]!, heads, decay.type.shape[3] ?? 1, 1])))
  const key = perHead(k)
  let write = g.reshape(v, [b, heads, 1, dv])
  if (beta !== undefined)
    write = g.mul(g.reshape(beta, [b, heads, 1, 1]), g.sub(write, g.matmul(key, s, { transposeA: true })))
  s = g.add(s, g.mul(key, write))
  const o = g.matmul(perHead(q), s, { transposeA: true })
  return [g.reshape(o, [b, 1, heads, dv]), s]
}

/** Scalar or no decay, with or without the delta rule. Decays act on the value side, which is [C, V] and not [C, K]. */
function chunked(g: GraphBuilder, parts: Operands, plan: ChunkPlan): [Value, Value] {
  const [b, heads, dk, dv] = parts.state.type.shape as [number, number, number, number]
  const groups = parts.q.type.shape[2]!
  const grid = (x: Value): Value => toChunks(g, x, groups, plan)
  const perToken = (x: Value): Value => grid(g.reshape(x, [...x.type.shape, 1])) // [B, G, R, n, C, 1]
  const q = grid(parts.q),
    k = grid(parts.k),
    v = grid(parts.v)
  const state = g.reshape(parts.state, [b, groups, heads / groups, 1, dk, dv])
  const decay = parts.decay && perToken(parts.decay)
  const c = decay && cumulative(g, decay)
  const end = c && lastRow(g, c)
  const grow = c && g.exp(c) // from the chunk's start to each token
  const fade = decay && g.exp(remaining(g, decay)) // from each token to the chunk's end
  const whole = end && g.exp(end)
  const times = (x: Value, factor: Value | undefined): Value => (factor === undefined ? x : g.mul(x, factor))
  const between = (strict: boolean): Value =>
    c === undefined ? g.lowerOnes(plan.size, strict) : decayMatrix(g, c, strict)

  let written = v
  let carried: Value | undefined
  if (parts.beta !== undefined) {
    const beta = perToken(parts.beta)
    const a = g.mul(g.mul(beta, g.matmul(k, k, { transposeB: true })), between(true))
    const solve = g.one('tri_inverse', [a])
    written = g.matmul(solve, g.mul(beta, v)) // U
    carried = g.matmul(solve, g.mul(times(beta, grow), k)) // W
  }
  const writes: Value[] = []
  const { before, last } = passState(g, state, plan.count, (i, s) => {
    const at = (x: Value): Value => chunkAt(g, x, i)
    const write = carried === undefined ? at(written) : g.sub(at(written), g.matmul(at(carried), s))
    writes.push(write)
    const added = g.matmul(at(k), times(write, fade && at(fade)), { transposeA: true })
    return g.add(times(s, whole && at(whole)), added)
  })
  const scores = g.mul(g.matmul(q, k, { transposeB: true }), between(false))
  const inside = g.matmul(scores, carried === undefined ? written : g.concat(writes, 3))
  const o = g.add(times(g.matmul(q, before), grow), inside)
  return [fromChunks(g, o, plan), g.reshape(last, [b, heads, dk, dv])]
}

/** Decay per key (GLA). */
function chunkedByKey(g: GraphBuilder, parts: Operands, decay: Value, plan: ChunkPlan): [Value, Value] {
  const [b, heads, dk, dv] = parts.state.type.shape as [number, number, number, number]
  const grid = (x: Value): Value => toChunks(g, x, parts.q.type.shape[2]!, plan)
  const q = grid(parts.q),
    k = grid(parts.k),
    v = grid(parts.v)
  const steps = grid(decay)
  const c = cumulative(g, steps)
  const faded = g.mul(k, g.exp(remaining(g, steps)))
  const whole = swapLast(g, g.exp(lastRow(g, c))) // [B, G, R, n, K, 1]
  const state = g.reshape(parts.state, [b, q.type.shape[1]!, v.type.shape[2]!, 1, dk, dv])
  const added = g.matmul(faded, v, { transposeA: true })
  const { before, last } = passState(g, state, plan.count, (i, s) =>
    g.add(g.mul(s, chunkAt(g, whole, i)), chunkAt(g, added, i)),
  )
  const inside = g.matmul(decayedScores(g, q, k, steps, false), v)
  const o = g.add(g.matmul(g.mul(q, g.exp(c)), before), inside)
  return [fromChunks(g, o, plan), g.reshape(last, [b, heads, dk, dv])]
}

/**
 * The normaliser of linear attention: scale q_t · Σ_(s<=t) k_s. Inputs q, k [B,T,H,K] and the sum before, [B,H,K,1];
 * outputs [B,T,H,1] and the sum after. It is linear attention whose values are 1.
 */
export const runningSum: OpDef = {
  kind: 'running_sum',
  doc: 'q_t times the sum of all keys up to t',
  infer: ([q, k, state]) => {
    const [b, t, h, width] = q!.shape as [number, number, number, number]
    demand(
      typeText(q!) === typeText(k!) && typeText(state!) === typeText({ dtype: q!.dtype, shape: [b, h, width, 1] }),
      () => `running_sum: ${typeText(q!)} ${typeText(k!)} ${typeText(state!)}`,
    )
    return [{ dtype: q!.dtype, shape: [b, t, h, 1] }, state!]
  },
  cost: (node) => ({ flops: 3 * sizeOf(node.inputs[0]!.type.shape) }),
  decompose: (g, node) => {
    const [q, k, state] = node.inputs as [Value, Value, Value]
    const ones = g.filled([...q.type.shape.slice(0, 3), 1], 1)
    return g.apply('linear_attention', [q, k, ones, state], { rule: 'linear', ...node.attrs })
  },
}
