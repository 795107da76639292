import { flag, integer, optionalInteger, optionalReal, real } from '../params.ts'
import { defineBlock, rule } from './block.ts'
import { logUniformInit, ones, stepSizeInit } from './init.ts'
import { joinHeads, recurrentAttention, shortConv, splitHeads } from './shared.ts'

export const mamba2 = defineBlock({
  kind: 'mamba2',
  version: 1,
  title: 'Mamba-2',
  symbol: 'm2',
  glyph: { letter: 'M', light: '#D9730D', dark: '#FF9D4D' },
  category: 'sequence mixer',
  doc: 'State-space duality: S <- e^(-exp(A_log) dt) S + B (dt x)^T with a scalar decay per head, y = S^T C + D x, gated RMSNorm (gate first) (arXiv 2405.21060). The state is kept as [heads, dState, headDim].',
  params: {
    expand: real({ doc: 'Inner width over dModel.', min: 0.25, max: 8, default: 2, search: [1, 2] }),
    headDim: integer({ doc: 'Width of a head.', min: 1, max: 512, default: 64 }),
    dState: integer({ doc: 'State width.', min: 1, max: 1024, default: 128, search: [16, 64, 128] }),
    nGroups: integer({ doc: 'Groups of heads that share B and C.', min: 1, max: 64, default: 1 }),
    dConv: integer({ doc: 'Taps of the convolution.', min: 2, max: 16, default: 4 }),
    convBias: flag({ doc: 'Bias of the convolution.', default: true }),
    normEps: real({ doc: 'Epsilon of the gated norm.', min: 1e-12, max: 1e-2, default: 1e-5 }),
    normGroups: optionalInteger({
      doc: 'Slices that the gated norm treats apart; by default nGroups.',
      min: 1,
      max: 64,
      default: null,
    }),
    dtMin: real({ doc: 'Smallest step after softplus.', min: 0, max: 100, default: 0 }),
    dtMax: optionalReal({ doc: 'Largest step after softplus; none: unbounded.', min: 0, max: 1e6, default: null }),
  },
  check: (p, { dModel }, path) => {
    const inner = dModel * p.expand
    rule(
      Number.isInteger(inner / p.headDim),
      `${path}.headDim`,
      `mamba2: headDim (${p.headDim}) must divide expand dModel (${p.expand} x ${dModel})`,
    )
    rule(
      (inner / p.headDim) % p.nGroups === 0,
      `${path}.nGroups`,
      `mamba2: nGroups (${p.nGroups}) must divide the ${inner / p.headDim} heads`,
    )
    rule(
      inner % (p.normGroups ?? p.nGroups) === 0,
      `${path}.normGroups`,
      `mamba2: normGroups (${p.normGroups ?? p.nGroups}) must divide the inner width (${inner})`,
    )
    rule(
      p.dtMax === null || p.dtMax >= p.dtMin,
      `${path}.dtMax`,
      `mamba2: dtMax (${p.dtMax}) must not be below dtMin (${p.dtMin})`,
    )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const inner = ctx.dModel * p.expand
    const heads = inner / p.headDim
    const pairs = p.nGroups * p.dState
    const [z, xbc, rawStep] = ctx.linearParts(x, 'in_proj.weight', [inner, inner + 2 * pairs, heads], {
      project: 'rows',
    })
    const convolved = shortConv(ctx, xbc!, 'conv1d.weight', 'conv_state', p.dConv, {
      bias: p.convBias ? 'conv1d.bias' : '',
    })
    const [u, b, c] = g.split(convolved, 2, [inner, pairs, pairs])
    let dt = g.one('softplus', [g.add(rawStep!, ctx.weight('dt_bias', [heads], { init: stepSizeInit }))])
    if (p.dtMin > 0) dt = g.maximum(dt, g.scalar(p.dtMin))
    if (p.dtMax !== null) dt = g.minimum(dt, g.scalar(p.dtMax))
    const decay = g.mul(dt, g.neg(g.exp(ctx.weight('A_log', [heads], { init: logUniformInit(1, 16) }))))
    const xHeads = splitHeads(ctx, u!, heads)
    const v = g.mul(xHeads, g.reshape(dt, [ctx.batch, ctx.length, heads, 1]))
    const q = splitHeads(ctx, c!, p.nGroups),
      k = splitHeads(ctx, b!, p.nGroups)
    const o = recurrentAttention(ctx, 'gated', { q, k, v, decay }, { scale: 1, stateName: 'ssm_state' })
    const skip = g.mul(xHeads, g.reshape(ctx.weight('D', [heads], { init: ones }), [heads, 1]))
    const gated = g.mul(joinHeads(ctx, g.add(o, skip)), g.one('silu', [z!]))
    const groups = p.normGroups ?? p.nGroups
    const gain = ctx.weight('norm.weight', [inner], { init: ones })
    const unit = g.filled([inner / groups], 1)
    const normed =
      groups === 1
        ? g.one('rms_norm', [gated, gain], { eps: p.normEps })
        : g.mul(joinHeads(ctx, g.one('rms_norm', [splitHeads(ctx, gated, groups), unit], { eps: p.normEps })), gain)
    return ctx.linear(normed, 'out_proj.weight', ctx.dModel, { project: 'columns' })
  },
})
