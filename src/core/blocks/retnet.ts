import { integer, real } from '../params.ts'
import { defineBlock, rule } from './block.ts'
import { headNorm, recurrentAttention, splitHeads } from './shared.ts'

export const retnet = defineBlock({
  kind: 'retnet',
  version: 1,
  title: 'RetNet',
  symbol: 'ret',
  glyph: { letter: 'R', light: '#B23A76', dark: '#E57BAE' },
  category: 'sequence mixer',
  doc: 'Retention: S <- gamma_h S + k v^T with a fixed decay gamma_h = 1 - 2^(-5-h) per head, rotary queries and keys, output gate (arXiv 2307.08621).',
  params: {
    nHeads: integer({ doc: 'Heads.', min: 1, max: 64, default: 8, search: [4, 8] }),
    expandK: real({ doc: 'Key width of all heads over dModel.', min: 0.125, max: 4, default: 1 }),
    expandV: real({ doc: 'Value width of all heads over dModel.', min: 0.125, max: 4, default: 2 }),
    ropeTheta: real({ doc: 'Base of the rotary angles.', min: 1, max: 1e9, default: 10000 }),
    normEps: real({ doc: 'Epsilon of the output norm.', min: 1e-12, max: 1e-2, default: 1e-5 }),
  },
  check: (p, { dModel }, path) => {
    const headDim = (dModel * p.expandK) / p.nHeads
    // 0.8 x 40 is not whole in binary floating point
    rule(
      Math.abs(headDim / 2 - Math.round(headDim / 2)) < 1e-9,
      `${path}.nHeads`,
      `retnet: the key width of a head (${headDim}) must be even`,
      'choose nHeads and expandK so that dModel expandK / nHeads is even',
    )
    rule(
      Number.isInteger((dModel * p.expandV) / p.nHeads),
      `${path}.expandV`,
      `retnet: nHeads (${p.nHeads}) must divide dModel expandV (${dModel} x ${p.expandV})`,
    )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const kWidth = Math.round(ctx.dModel * p.expandK),
      vWidth = ctx.dModel * p.expandV
    const heads = (name: string, width: number) =>
      splitHeads(ctx, ctx.linear(x, name, width, { project: 'rows' }), p.nHeads)
    const { cos, sin } = ctx.rotary(kWidth / p.nHeads, p.ropeTheta)
    const q = g.one('rope', [heads('q_proj.weight', kWidth), cos, sin])
    const k = g.one('rope', [heads('k_proj.weight', kWidth), cos, sin])
    const v = heads('v_proj.weight', vWidth)
    const gate = ctx.linear(x, 'g_proj.weight', vWidth, { project: 'rows' })
    const decay = g.broadcast(
      g.constant(
        [1, 1, p.nHeads],
        Float64Array.from({ length: p.nHeads }, (_, h) => Math.log1p(-(2 ** (-5 - h)))),
      ),
      [1, ctx.length, p.nHeads],
    )
    const o = recurrentAttention(ctx, 'gated', { q, k, v, decay })
    return ctx.linear(headNorm(ctx, o, 'g_norm_swish_gate.weight', p.normEps, gate), 'o_proj.weight', ctx.dModel, {
      project: 'columns',
    })
  },
})
