import { flag, integer, optionalInteger, real } from '../params.ts'
import { defineBlock, rule } from './block.ts'
import { logUniformInit, stepSizeInit } from './init.ts'
import { convolvedProjection, headNorm, L2_EPS, recurrentAttention, splitHeads } from './shared.ts'

const defaultHeads = (dModel: number, headDim: number): number => Math.max(1, Math.round((0.75 * dModel) / headDim))

export const gatedDeltanet = defineBlock({
  kind: 'gated_deltanet',
  version: 1,
  title: 'Gated DeltaNet',
  symbol: 'gdn',
  glyph: { letter: 'G', light: '#0E7C86', dark: '#3FB6C2' },
  category: 'sequence mixer',
  doc: 'DeltaNet with a scalar decay per head and token, S <- e^g S, then S <- S + k (beta (v - S^T k))^T, and an output gate (arXiv 2412.06464).',
  params: {
    headDim: integer({
      doc: 'Key width of a head; by default 256, or half the model width below 512.',
      min: 2,
      max: 512,
      default: ({ dModel }) => (dModel >= 512 ? 256 : Math.max(2, Math.floor(dModel / 2))),
    }),
    nHeads: optionalInteger({
      doc: 'Key heads; by default 0.75 dModel / headDim, rounded.',
      min: 1,
      max: 512,
      default: null,
    }),
    nVHeads: optionalInteger({
      doc: 'Value heads, a multiple of nHeads; by default as many.',
      min: 1,
      max: 512,
      default: null,
    }),
    expandV: real({ doc: 'Value width of a head over its key width.', min: 0.125, max: 8, default: 2 }),
    useShortConv: flag({ doc: 'Causal convolutions on queries, keys and values.', default: true }),
    convSize: integer({ doc: 'Taps of those convolutions.', min: 2, max: 16, default: 4 }),
    useGate: flag({ doc: 'Output gate.', default: true }),
    allowNegEigval: flag({
      doc: 'Write strength up to 2, for state tracking (arXiv 2411.12537).',
      default: false,
      search: [false, true],
    }),
    normEps: real({ doc: 'Epsilon of the output norm.', min: 1e-12, max: 1e-2, default: 1e-5 }),
  },
  check: (p, { dModel }, path) => {
    const heads = p.nHeads ?? defaultHeads(dModel, p.headDim)
    const vHeads = p.nVHeads ?? heads
    rule(
      vHeads % heads === 0,
      `${path}.nVHeads`,
      `gated_deltanet: nVHeads (${vHeads}) must be a multiple of nHeads (${heads})`,
    )
    rule(
      Number.isInteger(p.headDim * p.expandV),
      `${path}.expandV`,
      `gated_deltanet: headDim (${p.headDim}) times expandV (${p.expandV}) must be whole`,
    )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const heads = p.nHeads ?? defaultHeads(ctx.dModel, p.headDim)
    const vHeads = p.nVHeads ?? heads
    const taps = p.useShortConv ? p.convSize : null
    const kWidth = heads * p.headDim,
      vWidth = vHeads * p.headDim * p.expandV
    const q = g.one('l2_norm', [splitHeads(ctx, convolvedProjection(ctx, x, 'q', kWidth, taps), heads)], {
      eps: L2_EPS,
    })
    const k = g.one('l2_norm', [splitHeads(ctx, convolvedProjection(ctx, x, 'k', kWidth, taps), heads)], {
      eps: L2_EPS,
    })
    const v = splitHeads(ctx, convolvedProjection(ctx, x, 'v', vWidth, taps), vHeads)
    const a = ctx.linear(x, 'a_proj.weight', vHeads, { project: 'rows' })
    const rate = g.neg(g.exp(ctx.weight('A_log', [vHeads], { init: logUniformInit(0, 16) })))
    const step = g.one('softplus', [g.add(a, ctx.weight('dt_bias', [vHeads], { init: stepSizeInit }))])
    const strength = g.sigmoid(ctx.linear(x, 'b_proj.weight', vHeads, { project: 'rows' }))
    const gate = p.useGate ? ctx.linear(x, 'g_proj.weight', vWidth, { project: 'rows' }) : undefined
    const o = recurrentAttention(ctx, 'gated_delta', {
      q,
      k,
      v,
      decay: g.mul(step, rate),
      beta: g.scale(strength, p.allowNegEigval ? 2 : 1),
    })
    return ctx.linear(headNorm(ctx, o, 'o_norm.weight', p.normEps, gate), 'o_proj.weight', ctx.dModel, {
      project: 'columns',
    })
  },
})
