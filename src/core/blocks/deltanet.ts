import { flag, integer, optionalInteger, real } from '../params.ts'
import { defaultHeads, defineBlock, rule } from './block.ts'
import { convolvedProjection, headNorm, L2_EPS, recurrentAttention, splitHeads } from './shared.ts'

const HEAD_DIM = 128

export const deltanet = defineBlock({
  kind: 'deltanet',
  version: 1,
  title: 'DeltaNet',
  symbol: 'd',
  glyph: { letter: 'D', light: '#1F8A5B', dark: '#4CC38A' },
  category: 'sequence mixer',
  doc: 'Linear attention with the delta rule, S <- S + k (beta (v - S^T k))^T, o = S^T q / sqrt(dk), with short convolutions and L2-normalised queries and keys (arXiv 2406.06484).',
  params: {
    nHeads: optionalInteger({ doc: 'Heads; by default dModel / 128, at least 1.', min: 1, max: 512, default: null }),
    expandK: real({ doc: 'Key width of all heads over dModel.', min: 0.125, max: 4, default: 1 }),
    expandV: real({ doc: 'Value width of all heads over dModel.', min: 0.125, max: 4, default: 1 }),
    useShortConv: flag({ doc: 'Causal convolutions on queries, keys and values.', default: true }),
    convSize: integer({ doc: 'Taps of those convolutions.', min: 2, max: 16, default: 4 }),
    useBeta: flag({ doc: 'Learned write strength; otherwise 1.', default: true }),
    useGate: flag({ doc: 'Output gate.', default: false, search: [false, true] }),
    allowNegEigval: flag({
      doc: 'Write strength up to 2, for state tracking (arXiv 2411.12537).',
      default: false,
      search: [false, true],
    }),
    normEps: real({ doc: 'Epsilon of the output norm.', min: 1e-12, max: 1e-2, default: 1e-5 }),
  },
  check: (p, { dModel }, path) => {
    const heads = p.nHeads ?? defaultHeads(dModel, HEAD_DIM)
    for (const [name, expand] of [
      ['expandK', p.expandK],
      ['expandV', p.expandV],
    ] as const)
      rule(
        Number.isInteger((dModel * expand) / heads),
        `${path}.${name}`,
        `deltanet: nHeads (${heads}) must divide dModel ${name} (${dModel} x ${expand})`,
      )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const heads = p.nHeads ?? defaultHeads(ctx.dModel, HEAD_DIM)
    const taps = p.useShortConv ? p.convSize : null
    const kWidth = ctx.dModel * p.expandK,
      vWidth = ctx.dModel * p.expandV
    const q = g.one('l2_norm', [splitHeads(ctx, convolvedProjection(ctx, x, 'q', kWidth, taps), heads)], {
      eps: L2_EPS,
    })
    const k = g.one('l2_norm', [splitHeads(ctx, convolvedProjection(ctx, x, 'k', kWidth, taps), heads)], {
      eps: L2_EPS,
    })
    const v = splitHeads(ctx, convolvedProjection(ctx, x, 'v', vWidth, taps), heads)
    const strength = p.useBeta
      ? g.sigmoid(ctx.linear(x, 'b_proj.weight', heads, { project: 'rows' }))
      : g.filled([ctx.batch, ctx.length, heads], 1)
    const beta = p.allowNegEigval && p.useBeta ? g.scale(strength, 2) : strength
    const gate = p.useGate ? ctx.linear(x, 'g_proj.weight', vWidth, { project: 'rows' }) : undefined
    const o = recurrentAttention(ctx, 'delta', { q, k, v, beta })
    return ctx.linear(headNorm(ctx, o, 'o_norm.weight', p.normEps, gate), 'o_proj.weight', ctx.dModel, {
      project: 'columns',
    })
  },
})
