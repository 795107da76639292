import type { Value } from '../graph/types.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { flag, optionalReal, real } from '../params.ts'
import type { Optimiser } from './optimiser.ts'

export const adamw = {
  kind: 'adamw',
  title: 'AdamW',
  doc: 'Adam with decoupled weight decay and bias correction, epsilon outside the root: w <- w - lr decay w; m, v moving means of g and g^2; w <- w - lr m^ / (sqrt(v^) + eps) (arXiv 1711.05101).',
  params: {
    beta1: real({ doc: 'Memory of the first moment.', min: 0, max: 0.9999, default: 0.9 }),
    beta2: real({ doc: 'Memory of the second moment.', min: 0, max: 0.99999, default: 0.95 }),
    eps: real({ doc: 'Added to the root of the second moment.', min: 0, max: 1, default: 1e-8 }),
    weightDecay: real({ doc: 'Decoupled decay of matrices, embeddings and kernels.', min: 0, max: 10, default: 0.1 }),
    clip: optionalReal({ doc: 'Largest global gradient norm; none: no clipping.', min: 1e-6, max: 1e6, default: 1 }),
    weightNorm: flag({
      doc: 'Project matrices to unit rows or columns after every step (arXiv 2511.18890 section 3.3).',
      default: false,
    }),
    weightNormEmbedding: flag({ doc: 'Also project the rows of embedding and head.', default: false }),
  },
  moments: ['m', 'v'],
  scalars: (step, p) => ({
    correction1: 1 - (p['beta1'] as number) ** step,
    correction2: 1 - (p['beta2'] as number) ** step,
  }),
  step: (g, { weight, gradient, decay, moments, scalars, lr }, p) => {
    const beta1 = p['beta1'] as number,
      beta2 = p['beta2'] as number
    const m = moving(g, moments['m']!, gradient, beta1)
    const v = moving(g, moments['v']!, g.mul(gradient, gradient), beta2)
    const root = g.add(g.sqrt(g.div(v, scalars['correction2']!)), g.scalar(p['eps'] as number))
    const move = g.div(g.mul(m, g.div(lr, scalars['correction1']!)), root)
    const rate = p['weightDecay'] as number
    const kept = decay && rate > 0 ? g.mul(weight, g.sub(g.scalar(1), g.scale(lr, rate))) : weight
    return { weight: g.sub(kept, move), moments: { m, v } }
  },
} as const satisfies Optimiser

/** β old + (1 - β) x. */
function moving(g: GraphBuilder, old: Value, x: Value, beta: number): Value {
  return g.add(g.scale(old, beta), g.scale(x, 1 - beta))
}
