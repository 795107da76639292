// Pieces that several mixers share.

import type { Value } from '../graph/types.ts'
import type { BlockContext } from './block.ts'
import { convInit, ones } from './init.ts'

/** [B,T,H·w] -> [B,T,H,w]. */
export function splitHeads(ctx: BlockContext, x: Value, heads: number): Value {
  const [b, t, width] = x.type.shape as [number, number, number]
  return ctx.g.reshape(x, [b, t, heads, width / heads])
}

/** [B,T,H,w] -> [B,T,H·w]. */
export function joinHeads(ctx: BlockContext, x: Value): Value {
  const [b, t, h, w] = x.type.shape as [number, number, number, number]
  return ctx.g.reshape(x, [b, t, h * w])
}

/** Causal depthwise convolution over x [B,T,C] with its weight, optional bias and state. */
export function shortConv(
  ctx: BlockContext,
  x: Value,
  weightName: string,
  stateName: string,
  taps: number,
  { bias = '', silu = true } = {},
): Value {
  const channels = x.type.shape[2]!
  const weight = ctx.weight(weightName, [channels, 1, taps], { init: convInit(taps) })
  const state = ctx.state(stateName, [channels, taps - 1])
  const biases = bias === '' ? [] : [ctx.weight(bias, [channels], { init: convInit(taps) })]
  const [y, next] = ctx.g.apply('causal_conv1d', [x, weight, state, ...biases], {
    ...(silu && { silu }),
    ...(bias !== '' && { bias: true }),
  })
  ctx.setState(stateName, next!)
  return y!
}

/** Query, key or value path of the delta-rule mixers: projection, then SiLU of a short convolution or of the projection itself. */
export function convolvedProjection(
  ctx: BlockContext,
  x: Value,
  letter: 'q' | 'k' | 'v',
  width: number,
  taps: number | null,
): Value {
  const projected = ctx.linear(x, `${letter}_proj.weight`, width, { project: 'rows' })
  if (taps === null) return ctx.g.one('silu', [projected])
  return shortConv(ctx, projected, `${letter}_conv1d.weight`, `${letter}_conv_state`, taps)
}

/** Per-head RMSNorm of o [B,T,H,V], then, when given, times SiLU of the gate [B,T,H·V]: norm first, gate second. */
export function headNorm(ctx: BlockContext, o: Value, weightName: string, eps: number, gate?: Value): Value {
  const { g } = ctx
  const gain = ctx.weight(weightName, [o.type.shape[3]!], { init: ones })
  const normed = joinHeads(ctx, g.one('rms_norm', [o, gain], { eps }))
  return gate === undefined ? normed : g.mul(normed, g.one('silu', [gate]))
}

/** Linear attention with this block's recurrent state; q and k [B,T,G,K], v [B,T,H,V]. */
export function recurrentAttention(
  ctx: BlockContext,
  rule: 'linear' | 'gated' | 'delta' | 'gated_delta',
  { q, k, v, decay, beta }: { q: Value; k: Value; v: Value; decay?: Value; beta?: Value },
  { scale = 1 / Math.sqrt(q.type.shape[3]!), stateName = 'recurrent_state' } = {},
): Value {
  const state = ctx.state(stateName, [v.type.shape[2]!, q.type.shape[3]!, v.type.shape[3]!])
  const gates = [decay, beta].filter((x) => x !== undefined)
  const [o, next] = ctx.g.apply('linear_attention', [q, k, v, state, ...gates], { rule, scale, chunk: chunkOf(ctx) })
  ctx.setState(stateName, next!)
  return o!
}

/** Tokens per chunk: 1 is the one-token form of decode, whose work differs from a prefill of one token. */
export const chunkOf = (ctx: BlockContext): number => (ctx.phase === 'decode' ? 1 : CHUNK)
const CHUNK = 64
/** ε of L2 normalisation of queries and keys. */
export const L2_EPS = 1e-6
