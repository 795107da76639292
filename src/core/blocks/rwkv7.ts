// RWKV-7 time mixing and channel mixing (arXiv 2503.14456; operators.md 4.10).

import type { Value } from '../graph/types.ts'
import { integer, optionalInteger, real } from '../params.ts'
import type { BlockContext } from './block.ts'
import { defineBlock, rule } from './block.ts'
import { constantInit, orthogonalInit, valuesInit, zeros } from './init.ts'
import type { Init } from './init.ts'
import { chunkOf, joinHeads, splitHeads } from './shared.ts'

const FIRST_VALUE = 'rwkv7.first_value'
const lowRank = (factor: number, dModel: number): number =>
  Math.max(32, 32 * Math.round((factor * Math.sqrt(dModel)) / 32))
const rank = (doc: string) =>
  optionalInteger({ doc: `${doc}; by default from dModel.`, min: 1, max: 4096, default: null })

export const rwkv7 = defineBlock({
  kind: 'rwkv7',
  version: 1,
  title: 'RWKV-7',
  symbol: 'r7',
  glyph: { letter: 'W', light: '#9A7B16', dark: '#D3B24A' },
  category: 'sequence mixer',
  doc: 'RWKV-7 time mixing: S <- diag(w) S - (kappa a)(S^T kappa)^T + k v^T with data-dependent decay, removal and write, token shift, value residual to the first RWKV-7 block, group norm, bonus and gate (arXiv 2503.14456).',
  params: {
    headDim: integer({
      doc: 'Width of a head; by default 64, or the model width below that.',
      min: 2,
      max: 512,
      default: ({ dModel }) => Math.min(64, dModel),
    }),
    decayLowRankDim: rank('Rank of the decay'),
    aLowRankDim: rank('Rank of the removal strength'),
    vLowRankDim: rank('Rank of the value residual'),
    gateLowRankDim: rank('Rank of the gate'),
    normEps: real({ doc: 'Epsilon of the group norm, times headDim.', min: 1e-12, max: 1e-2, default: 1e-5 }),
  },
  check: (p, { dModel }, path) =>
    rule(dModel % p.headDim === 0, `${path}.headDim`, `rwkv7: headDim (${p.headDim}) must divide dModel (${dModel})`),
  build: (ctx, x, p) => {
    const { g, dModel: d } = ctx
    const heads = d / p.headDim
    const i = initials(ctx, p.headDim)
    const wide = p.headDim / 64
    const mix = tokenShift(ctx, x)
    const square = (from: Value, name: string, init: Init, project: 'rows' | 'columns'): Value =>
      ctx.linear(from, name, d, { init, project })
    const r = square(mix('x_r', i.shift(0.2)), 'r_proj.weight', orthogonalInit(1), 'rows')
    const k0 = square(mix('x_k', i.shift(0.7)), 'k_proj.weight', orthogonalInit(0.1), 'rows')
    const mixedV = mix('x_v', i.shift(0.7))
    const ownValue = square(mixedV, 'v_proj.weight', orthogonalInit(1), 'rows')
    const low = (from: Value, name: string, width: number, inner?: 'tanh' | 'sigmoid', bias?: Init): Value => {
      const down = ctx.linear(from, `${name}_lora.lora.0.weight`, width, { init: zeros })
      const up = ctx.linear(inner === undefined ? down : g.one(inner, [down]), `${name}_lora.lora.2.weight`, d, {
        init: orthogonalInit(0.1),
      })
      return bias === undefined ? up : g.add(up, ctx.weight(`${name}_lora.lora.2.bias`, [d], { init: bias }))
    }
    const w = low(mix('x_w', i.shift(0.9)), 'w', p.decayLowRankDim ?? lowRank(2.5 * wide, d), 'tanh', i.decayBias)
    const decay = g.scale(g.sigmoid(w), -Math.exp(-0.5))
    const first = ctx.shared.get(FIRST_VALUE)
    if (first === undefined) ctx.shared.set(FIRST_VALUE, ownValue)
    const v =
      first === undefined
        ? ownValue
        : g.add(
            ownValue,
            g.mul(
              g.sub(first, ownValue),
              g.sigmoid(low(mixedV, 'v', p.vLowRankDim ?? lowRank(1.7 * wide, d), undefined, i.valueBias)),
            ),
          )
    const a = g.sigmoid(
      low(mix('x_a', i.shift(0.9)), 'a', p.aLowRankDim ?? lowRank(2.5 * wide, d), undefined, i.removalBias),
    )
    const gate = low(mix('x_g', i.shift(0.2)), 'g', p.gateLowRankDim ?? lowRank(5, d), 'sigmoid')

    const kappaRaw = splitHeads(ctx, g.mul(k0, ctx.weight('k_k', [d], { init: i.keyScale })), heads)
    const length = g.sqrt(g.maximum(g.reduceSum(g.mul(kappaRaw, kappaRaw), [3]), g.scalar(1e-24)))
    const kappa = g.div(kappaRaw, length)
    const k = g.mul(
      k0,
      g.add(g.scalar(1), g.mul(g.sub(a, g.scalar(1)), ctx.weight('k_a', [d], { init: constantInit(1.02) }))),
    )
    const [rh, kh, vh, ah, decayH] = [r, k, v, a, decay].map((t) => splitHeads(ctx, t, heads)) as [
      Value,
      Value,
      Value,
      Value,
      Value,
    ]
    const state = ctx.state('recurrent_state', [heads, p.headDim, p.headDim])
    const [o, next] = g.apply('rwkv7_recurrence', [rh, decayH, kh, vh, kappa, g.mul(kappa, ah), state], {
      chunk: chunkOf(ctx),
    })
    ctx.setState('recurrent_state', next!)
    const bonus = g.reduceSum(
      g.mul(g.mul(rh, kh), ctx.weight('r_k', [heads, p.headDim], { init: constantInit(-0.04), decay: false })),
      [3],
    )
    const out = g.add(groupNorm(ctx, o!, p.headDim * p.normEps, i.normGain), joinHeads(ctx, g.mul(bonus, vh)))
    return square(g.mul(out, gate), 'o_proj.weight', zeros, 'columns')
  },
})

/** Per-head LayerNorm with one gain and bias per channel: [B,T,H,K] -> [B,T,D]. */
function groupNorm(ctx: BlockContext, o: Value, eps: number, gain: Init): Value {
  const { g, dModel } = ctx
  const centred = g.sub(o, g.mean(o, [3]))
  const normed = g.div(centred, g.sqrt(g.add(g.mean(g.mul(centred, centred), [3]), g.scalar(eps))))
  return g.add(
    g.mul(joinHeads(ctx, normed), ctx.weight('g_norm.weight', [dModel], { init: gain })),
    ctx.weight('g_norm.bias', [dModel], { init: zeros }),
  )
}

/** Mixes each token with the one before it: name -> x_t + (x_(t-1) - x_t) ⊙ weight. The state is the last x. */
function tokenShift(ctx: BlockContext, x: Value): (name: string, init: Init) => Value {
  const { g, batch, length, dModel } = ctx
  const before = g.reshape(ctx.state('shift_state', [dModel]), [batch, 1, dModel])
  const previous = length === 1 ? before : g.concat([before, g.slice(x, 1, 0, length - 1)], 1)
  ctx.setState('shift_state', g.reshape(g.slice(x, 1, length - 1, length), [batch, dModel]))
  const difference = g.sub(previous, x)
  return (name, init) => g.add(x, g.mul(difference, ctx.weight(name, [dModel], { init })))
}

/** Position-dependent initial values. */
function initials(ctx: BlockContext, headDim: number) {
  const { dModel: d, index, count } = ctx
  const fall = 1 - index / count
  const rise = count > 1 ? index / (count - 1) : 0
  const line = (c: number): number => (d > 1 ? c / (d - 1) : 0)
  const wave = (c: number): number => {
    const half = (headDim - 1) / 2
    const z = half > 0 ? ((c % headDim) - half) / half : 0
    return z * Math.abs(z)
  }
  return {
    shift: (power: number) => valuesInit((c) => 1 - (c / d) ** (power * fall)),
    decayBias: valuesInit((c) => -6 + 6 * line(c) ** (1 + rise ** 0.3) + 0.5 + 2.5 * wave(c)),
    removalBias: valuesInit((c) => -0.19 + 0.3 * wave(c) + 0.4 * (line(c) - 0.5)),
    valueBias: valuesInit((c) => 0.73 - 0.4 * (line(c) - 0.5)),
    keyScale: valuesInit((c) => 0.71 - 0.1 * (line(c) - 0.5)),
    normGain: constantInit(((index + 1) / count) ** 0.7),
  }
}

export const rwkv7ChannelMix = defineBlock({
  kind: 'rwkv7_channel_mix',
  version: 1,
  title: 'RWKV-7 channel mix',
  symbol: 'r7f',
  glyph: { letter: 'F', light: '#8A9099', dark: '#7A828C' },
  category: 'channel mixer',
  doc: 'value(relu(key(x_t + (x_(t-1) - x_t) x_k))^2): a squared-ReLU feed-forward network behind a token shift (arXiv 2503.14456).',
  params: {
    intermediateSize: optionalInteger({
      doc: 'Inner width; by default 4 dModel.',
      min: 1,
      max: 1 << 18,
      default: null,
    }),
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const fall = 1 - ctx.index / ctx.count
    const mixed = tokenShift(ctx, x)(
      'x_k',
      valuesInit((c) => 1 - (c / ctx.dModel) ** (fall ** 4)),
    )
    const hidden = g.relu(
      ctx.linear(mixed, 'key.weight', p.intermediateSize ?? 4 * ctx.dModel, {
        init: orthogonalInit(1),
        project: 'rows',
      }),
    )
    return ctx.linear(g.mul(hidden, hidden), 'value.weight', ctx.dModel, { init: zeros, project: 'columns' })
  },
})
