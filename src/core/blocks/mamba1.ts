import { flag, integer, optionalInteger, real } from '../params.ts'
import { defineBlock, rule } from './block.ts'
import { ones, stepSizeInit, uniformInit, valuesInit } from './init.ts'
import { shortConv } from './shared.ts'

export const mamba1 = defineBlock({
  kind: 'mamba1',
  version: 1,
  title: 'Mamba',
  symbol: 'm',
  glyph: { letter: 'm', light: '#F0B27A', dark: '#A8622A' },
  category: 'sequence mixer',
  doc: 'Selective state space: h <- exp(-exp(A_log) dt) h + (dt x) B^T per channel, y = h C + D x, gated by SiLU(z) (arXiv 2312.00752).',
  params: {
    expand: real({ doc: 'Inner width over dModel.', min: 0.25, max: 8, default: 2 }),
    dState: integer({ doc: 'State width.', min: 1, max: 256, default: 16, search: [8, 16] }),
    dtRank: optionalInteger({
      doc: 'Rank of the step projection; by default dModel / 16, rounded up.',
      min: 1,
      max: 4096,
      default: null,
    }),
    dConv: integer({ doc: 'Taps of the convolution.', min: 2, max: 16, default: 4 }),
    convBias: flag({ doc: 'Bias of the convolution.', default: true }),
  },
  check: (p, { dModel }, path) =>
    rule(
      Number.isInteger(dModel * p.expand),
      `${path}.expand`,
      `mamba1: expand (${p.expand}) times dModel (${dModel}) must be whole`,
    ),
  build: (ctx, x, p) => {
    const { g } = ctx
    const inner = ctx.dModel * p.expand
    const rank = p.dtRank ?? Math.ceil(ctx.dModel / 16)
    const [u, z] = ctx.linearParts(x, 'in_proj.weight', [inner, inner], { project: 'rows' })
    const convolved = shortConv(ctx, u!, 'conv1d.weight', 'conv_state', p.dConv, {
      bias: p.convBias ? 'conv1d.bias' : '',
    })
    const [delta, b, c] = ctx.linearParts(convolved, 'x_proj.weight', [rank, p.dState, p.dState])
    const raw = ctx.linear(delta!, 'dt_proj.weight', inner, { init: uniformInit(-(rank ** -0.5), rank ** -0.5) })
    const dt = g.one('softplus', [g.add(raw, ctx.weight('dt_proj.bias', [inner], { init: stepSizeInit }))])
    const rates = ctx.weight('A_log', [inner, p.dState], {
      init: valuesInit((i) => Math.log((i % p.dState) + 1)),
      decay: false,
    })
    const state = ctx.state('ssm_state', [inner, p.dState])
    const [y, next] = g.apply('selective_scan', [convolved, dt, g.neg(g.exp(rates)), b!, c!, state])
    ctx.setState('ssm_state', next!)
    const skipped = g.add(y!, g.mul(convolved, ctx.weight('D', [inner], { init: ones })))
    return ctx.linear(g.mul(skipped, g.one('silu', [z!])), 'out_proj.weight', ctx.dModel, { project: 'columns' })
  },
})
