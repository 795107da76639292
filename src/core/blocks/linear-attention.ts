import type { Value } from '../graph/types.ts'
import { choice, flag, integer, real } from '../params.ts'
import type { BlockContext } from './block.ts'
import { defineBlock, rule } from './block.ts'
import { uniformInit } from './init.ts'
import { chunkOf, headNorm, joinHeads, recurrentAttention, splitHeads } from './shared.ts'

export const linearAttention = defineBlock({
  kind: 'linear_attention',
  version: 1,
  title: 'Linear attention',
  symbol: 'la',
  glyph: { letter: 'l', light: '#6B6F9C', dark: '#9DA2D3' },
  category: 'sequence mixer',
  doc: 'S <- S + phi(k) v^T, o = S^T phi(q) / sqrt(dk), with a choice of feature map phi and optional division by the running sum of keys (arXiv 2006.16236: elu, normalize, no output norm).',
  params: {
    nHeads: integer({ doc: 'Heads.', min: 1, max: 512, default: 8, search: [4, 8] }),
    expandK: real({ doc: 'Key width of all heads over dModel.', min: 0.125, max: 4, default: 1 }),
    expandV: real({ doc: 'Value width of all heads over dModel.', min: 0.125, max: 4, default: 1 }),
    featureMap: choice({
      doc: 'elementwise_product: (W1 u + b1) (W2 u + b2); elu: elu(u) + 1; relu; identity.',
      choices: ['elementwise_product', 'elu', 'relu', 'identity'],
      default: 'elementwise_product',
      search: ['elementwise_product', 'elu'],
    }),
    normalize: flag({
      doc: 'Divide by q (sum of keys); only safe with a map that is never negative (elu, relu).',
      default: false,
    }),
    outputNorm: choice({ doc: 'RMSNorm of each head, or none.', choices: ['rmsnorm', 'identity'], default: 'rmsnorm' }),
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
        `linear_attention: nHeads (${p.nHeads}) must divide dModel ${name} (${dModel} x ${expand})`,
      )
    rule(
      !p.normalize || p.featureMap === 'elu' || p.featureMap === 'relu',
      `${path}.normalize`,
      `linear_attention: normalize needs a feature map that is never negative, not ${p.featureMap}`,
      'choose elu or relu',
    )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const heads = (name: string, width: number): Value =>
      splitHeads(ctx, ctx.linear(x, name, width, { project: 'rows' }), p.nHeads)
    const q = featureMap(ctx, p.featureMap, 'q', heads('q_proj.weight', ctx.dModel * p.expandK))
    const k = featureMap(ctx, p.featureMap, 'k', heads('k_proj.weight', ctx.dModel * p.expandK))
    const v = heads('v_proj.weight', ctx.dModel * p.expandV)
    let o = recurrentAttention(ctx, 'linear', { q, k, v })
    if (p.normalize) o = g.div(o, g.add(runningSum(ctx, q, k), g.scalar(1e-10)))
    const normed = p.outputNorm === 'rmsnorm' ? headNorm(ctx, o, 'norm.weight', p.normEps) : joinHeads(ctx, o)
    return ctx.linear(normed, 'o_proj.weight', ctx.dModel, { project: 'columns' })
  },
})

function featureMap(
  ctx: BlockContext,
  kind: 'elementwise_product' | 'elu' | 'relu' | 'identity',
  side: 'q' | 'k',
  u: Value,
): Value {
  const { g } = ctx
  switch (kind) {
    case 'identity':
      return u
    case 'relu':
      return g.relu(u)
    case 'elu':
      return g.add(g.relu(u), g.exp(g.minimum(u, g.scalar(0))))
    case 'elementwise_product': {
      const width = u.type.shape[3]!
      const init = uniformInit(-1 / Math.sqrt(width), 1 / Math.sqrt(width))
      const affine = (layer: 1 | 2): Value => {
        const name = `feature_map_${side}.layer${layer}`
        return g.add(ctx.linear(u, `${name}.weight`, width, { init }), ctx.weight(`${name}.bias`, [width], { init }))
      }
      return g.mul(affine(1), affine(2))
    }
  }
}

/** q / sqrt(dk) times the sum of keys so far, [B,T,H,1]; the sum is the state `k_sum` [B,H,K]. */
function runningSum(ctx: BlockContext, q: Value, k: Value): Value {
  const { g } = ctx
  const [b, , h, width] = q.type.shape as [number, number, number, number]
  const state = g.reshape(ctx.state('k_sum', [h, width]), [b, h, width, 1])
  const [sum, next] = g.apply('running_sum', [q, k, state], { scale: 1 / Math.sqrt(width), chunk: chunkOf(ctx) })
  ctx.setState('k_sum', g.reshape(next!, [b, h, width]))
  return sum!
}
