import { choice, optionalInteger } from '../params.ts'
import { defineBlock, rule } from './block.ts'

/** 3·dModel rounded down to a multiple of 128 (3·dModel itself where that gives 0). */
const defaultWidth = (dModel: number): number => Math.floor((3 * dModel) / 128) * 128 || 3 * dModel

export const ffn = defineBlock({
  kind: 'ffn',
  version: 1,
  title: 'Feed-forward',
  symbol: 'f',
  glyph: { letter: 'F', light: '#8A9099', dark: '#7A828C' },
  category: 'channel mixer',
  doc: 'Feed-forward network: down(silu(gate x) * up x) for silu (SwiGLU, arXiv 2002.05202), down(relu(up x)^2) for relu2 (arXiv 2109.08668), down(gelu(up x)) for gelu.',
  params: {
    intermediateSize: optionalInteger({
      doc: 'Inner width; by default 3 dModel rounded down to a multiple of 128.',
      min: 1,
      max: 1 << 18,
      default: null,
    }),
    activation: choice({
      doc: 'silu: gated SwiGLU; relu2: squared ReLU; gelu: exact GELU.',
      choices: ['silu', 'relu2', 'gelu'],
      default: 'silu',
    }),
  },
  check: (p, { dModel }, path) =>
    rule(
      (p.intermediateSize ?? defaultWidth(dModel)) >= 1,
      path,
      `ffn: intermediateSize must be at least 1 for dModel ${dModel}`,
    ),
  build: (ctx, x, p) => {
    const { g } = ctx
    const width = p.intermediateSize ?? defaultWidth(ctx.dModel)
    const gate =
      p.activation === 'silu'
        ? g.one('silu', [ctx.linear(x, 'gate_proj.weight', width, { project: 'rows' })])
        : undefined
    const up = ctx.linear(x, 'up_proj.weight', width, { project: 'rows' })
    const hidden =
      gate !== undefined ? g.mul(gate, up) : p.activation === 'gelu' ? g.one('gelu', [up]) : squaredRelu(g.relu(up))
    return ctx.linear(hidden, 'down_proj.weight', ctx.dModel, { project: 'columns' })

    function squaredRelu(r: typeof x): typeof x {
      return g.mul(r, r)
    }
  },
})
