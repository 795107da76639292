import { integer, optionalReal, real } from '../params.ts'
import { defineBlock, rule } from './block.ts'
import { zeros } from './init.ts'
import { headNorm, recurrentAttention, splitHeads } from './shared.ts'

export const gla = defineBlock({
  kind: 'gla',
  version: 1,
  title: 'GLA',
  symbol: 'gla',
  glyph: { letter: 'L', light: '#7B4BC4', dark: '#A98BE8' },
  category: 'sequence mixer',
  doc: 'Gated linear attention: S <- diag(e^gk) S + k v^T with a low-rank, data-dependent decay per key channel, o = S^T q / sqrt(dk), output gate (arXiv 2312.06635).',
  params: {
    nHeads: integer({ doc: 'Heads.', min: 1, max: 512, default: 4, search: [2, 4, 8] }),
    expandK: real({ doc: 'Key width of all heads over dModel.', min: 0.125, max: 4, default: 0.5 }),
    expandV: real({ doc: 'Value width of all heads over dModel.', min: 0.125, max: 4, default: 1 }),
    gateLowRankDim: integer({ doc: 'Rank of the decay projection.', min: 1, max: 1024, default: 16 }),
    gateLogitNormalizer: real({ doc: 'Divides the log decay.', min: 0.01, max: 1024, default: 16 }),
    clampMin: optionalReal({ doc: 'Lowest log decay; none: unbounded.', min: -1e6, max: 0, default: null }),
    normEps: real({ doc: 'Epsilon of the output norm.', min: 1e-12, max: 1e-2, default: 1e-5 }),
  },
  check: (p, { dModel }, path) => {
    for (const [name, expand] of [
      ['expandK', p.expandK],
      ['expandV', p.expandV],
    ] as const)
      rule(
        Number.isInteger((dModel * expand) / p.nHeads),
        `${path}.${name}`,
        `gla: nHeads (${p.nHeads}) must divide dModel ${name} (${dModel} x ${expand})`,
      )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const kWidth = ctx.dModel * p.expandK,
      vWidth = ctx.dModel * p.expandV
    const heads = (name: string, width: number) =>
      splitHeads(ctx, ctx.linear(x, name, width, { project: 'rows' }), p.nHeads)
    const q = heads('q_proj.weight', kWidth),
      k = heads('k_proj.weight', kWidth),
      v = heads('v_proj.weight', vWidth)
    const gate = ctx.linear(x, 'g_proj.weight', vWidth, { project: 'rows' })
    const logits = g.add(
      ctx.linear(ctx.linear(x, 'gk_proj.0.weight', p.gateLowRankDim), 'gk_proj.1.weight', kWidth),
      ctx.weight('gk_proj.1.bias', [kWidth], { init: zeros }),
    )
    const logDecay = g.scale(g.one('softplus', [g.neg(logits)]), -1 / p.gateLogitNormalizer)
    const decay = p.clampMin === null ? logDecay : g.maximum(logDecay, g.scalar(p.clampMin))
    const o = recurrentAttention(ctx, 'gated', { q, k, v, decay: splitHeads(ctx, decay, p.nHeads) })
    return ctx.linear(headNorm(ctx, o, 'g_norm_swish_gate.weight', p.normEps, gate), 'o_proj.weight', ctx.dModel, {
      project: 'columns',
    })
  },
})
