// Where values come from: graph inputs (data, weights, states) and constants.

import { spread } from '../graph/tensor.ts'
import type { DType, Shape } from '../graph/types.ts'
import { sizeOf } from '../graph/types.ts'
import { intsAttr, demand, textAttr } from './op.ts'
import type { OpDef } from './op.ts'

export const input: OpDef = {
  kind: 'input',
  doc: 'A named graph input: tokens, a weight, a state.',
  infer: (_, attrs) => [{ dtype: textAttr(attrs, 'dtype') as DType, shape: intsAttr(attrs, 'shape') }],
}

export const constant: OpDef = {
  kind: 'constant',
  doc: 'A constant tensor; one element may stand for a whole shape.',
  infer: (_, attrs, data) => {
    const shape = intsAttr(attrs, 'shape')
    demand(
      data !== undefined && (data.length === 1 || data.length === sizeOf(shape)),
      () => `constant: ${data?.length} elements for [${shape.join(',')}]`,
    )
    return [{ dtype: textAttr(attrs, 'dtype') as DType, shape }]
  },
  evaluate: (_, node) => {
    const type = node.outputs[0]!.type
    return [{ ...type, data: spread(node.data!, type.shape) }]
  },
  emit: (node, e) => {
    const { dtype, shape } = node.outputs[0]!.type
    const data = node.data!
    if (data.length === 1 && sizeOf(shape) > 64) return e.node('Expand', [e.constant(dtype, [], data), e.ints(shape)])
    return [e.constant(dtype, shape, spread(data, shape as Shape))]
  },
}
