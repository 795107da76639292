import type { Value } from '../graph/types.ts'
import { flag, integer, optionalInteger, optionalReal, real } from '../params.ts'
import type { BlockContext } from './block.ts'
import { defaultHeads, defineBlock, rule } from './block.ts'
import { ones } from './init.ts'
import { joinHeads, splitHeads } from './shared.ts'

export const attention = defineBlock({
  kind: 'attention',
  version: 1,
  title: 'Attention',
  symbol: 'a',
  glyph: { letter: 'A', light: '#2F62C9', dark: '#6F9BFF' },
  variant: (p) => (p.window === null ? undefined : { letter: 'a', light: '#86A8EA', dark: '#3E5FA8' }),
  category: 'sequence mixer',
  doc: 'Causal softmax attention, o_i = sum_j softmax_j(q_i k_j / sqrt(headDim)) v_j over visible tokens; multi-head, grouped (arXiv 2305.13245) or multi-query, rotary positions (arXiv 2104.09864), optionally inside a sliding window. The state is a key/value cache that grows with the context.',
  params: {
    headDim: integer({
      doc: 'Width of a head; by default 128, or the model width below that.',
      min: 2,
      max: 512,
      default: ({ dModel }) => (dModel >= 128 ? 128 : dModel),
      search: [64, 128],
    }),
    nHeads: optionalInteger({ doc: 'Query heads; by default dModel / headDim.', min: 1, max: 512, default: null }),
    nKvHeads: optionalInteger({
      doc: 'Key and value heads; by default as many as query heads. Fewer: grouped-query attention; 1: multi-query.',
      min: 1,
      max: 512,
      default: null,
      search: [1, 2, 4, null],
    }),
    window: optionalInteger({
      doc: 'Sliding window: the current token and window - 1 before it; none: full attention.',
      unit: 'tokens',
      min: 1,
      max: 1 << 20,
      default: null,
      search: [null, 512],
    }),
    metaAlwaysVisible: flag({ doc: 'Meta tokens stay visible when they have left the window.', default: false }),
    rope: flag({ doc: 'Rotary position embedding of queries and keys.', default: true }),
    ropeTheta: real({ doc: 'Base of the rotary angles.', min: 1, max: 1e9, default: 10000 }),
    ropeNtkFactor: optionalReal({
      doc: 'Static NTK scaling for contexts this many times the original length.',
      min: 1,
      max: 1024,
      default: null,
    }),
    qkNorm: flag({
      doc: 'RMSNorm of queries and keys per head, before rotation.',
      default: false,
      search: [false, true],
    }),
    qkNormEps: real({ doc: 'Epsilon of that norm.', min: 1e-12, max: 1e-2, default: 1e-6 }),
  },
  check: (p, { dModel }, path) => {
    const heads = p.nHeads ?? defaultHeads(dModel, p.headDim)
    const kvHeads = p.nKvHeads ?? heads
    rule(
      p.nHeads !== null || dModel % p.headDim === 0,
      `${path}.headDim`,
      `attention: headDim (${p.headDim}) must divide dModel (${dModel}) unless nHeads is given`,
      'choose another headDim or give nHeads',
    )
    rule(heads % kvHeads === 0, `${path}.nKvHeads`, `attention: nKvHeads (${kvHeads}) must divide nHeads (${heads})`)
    rule(
      !p.rope || p.headDim % 2 === 0,
      `${path}.headDim`,
      `attention: headDim (${p.headDim}) must be even for rotary positions`,
    )
  },
  build: (ctx, x, p) => {
    const { g } = ctx
    const heads = p.nHeads ?? defaultHeads(ctx.dModel, p.headDim)
    const kvHeads = p.nKvHeads ?? heads
    let q = splitHeads(ctx, ctx.linear(x, 'q_proj.weight', heads * p.headDim, { project: 'rows' }), heads)
    let k = splitHeads(ctx, ctx.linear(x, 'k_proj.weight', kvHeads * p.headDim, { project: 'rows' }), kvHeads)
    const v = splitHeads(ctx, ctx.linear(x, 'v_proj.weight', kvHeads * p.headDim, { project: 'rows' }), kvHeads)
    if (p.qkNorm) {
      q = g.one('rms_norm', [q, ctx.weight('q_norm.weight', [p.headDim], { init: ones })], { eps: p.qkNormEps })
      k = g.one('rms_norm', [k, ctx.weight('k_norm.weight', [p.headDim], { init: ones })], { eps: p.qkNormEps })
    }
    if (p.rope) {
      const ntk = p.ropeNtkFactor === null ? 1 : (2 * p.ropeNtkFactor - 1) ** (p.headDim / (p.headDim - 2))
      const { cos, sin } = ctx.rotary(p.headDim, p.ropeTheta * ntk)
      q = g.one('rope', [q, cos, sin])
      k = g.one('rope', [k, cos, sin])
    }
    const visible = { window: p.window ?? 0, meta: p.window !== null && p.metaAlwaysVisible ? ctx.metaTokens : 0 }
    return ctx.linear(joinHeads(ctx, attend(ctx, q, k, v, visible)), 'o_proj.weight', ctx.dModel, {
      project: 'columns',
    })
  },
})

interface Visibility {
  readonly window: number
  readonly meta: number
}

/** Attention over the sequence, or over the caches `k_cache`, `v_cache` [B,G,n,headDim] in decode. */
function attend(ctx: BlockContext, q: Value, k: Value, v: Value, { window, meta }: Visibility): Value {
  const [, , kvHeads, headDim] = k.type.shape as [number, number, number, number]
  const attrs = { window, meta, scale: 1 / Math.sqrt(headDim) }
  const rows = window === 0 ? ctx.capacity : Math.min(ctx.capacity, window + meta)
  const keys = ctx.state('k_cache', [kvHeads, rows, headDim])
  const values = ctx.state('v_cache', [kvHeads, rows, headDim])
  if (ctx.phase === 'decode') {
    const [o, nextKeys, nextValues] = ctx.g.apply('attention_step', [q, k, v, keys, values, ctx.position], attrs)
    ctx.setState('k_cache', nextKeys!)
    ctx.setState('v_cache', nextValues!)
    return o!
  }
  ctx.setState('k_cache', filledCache(ctx, k, rows, meta))
  ctx.setState('v_cache', filledCache(ctx, v, rows, meta))
  return ctx.g.one('attention', [q, k, v], attrs)
}

/** The cache after the tokens x [B,T,G,K] from position 0: in order while they fit, else the kept rows and a ring. */
function filledCache(ctx: BlockContext, x: Value, rows: number, meta: number): Value {
  const { g } = ctx
  const byHead = g.transpose(x, [0, 2, 1, 3])
  const t = ctx.length
  if (t <= rows) return g.pad(byHead, 2, 0, rows - t)
  const ring = rows - meta
  const turn = (t - meta) % ring
  const parts = [g.slice(byHead, 2, 0, meta), g.slice(byHead, 2, t - turn, t), g.slice(byHead, 2, t - ring, t - turn)]
  return g.concat(
    parts.filter((part) => part.type.shape[2]! > 0),
    2,
  )
}
