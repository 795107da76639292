// The gradient of a fused op as one node, so that a target which executes the op may execute its gradient too.

import type { Node, Value } from '../../graph/types.ts'
import { typeText } from '../../graph/types.ts'
import { intAttr, intsAttr, demand, textAttr } from '../op.ts'
import type { OpDef } from '../op.ts'
import { reverse } from '../reverse.ts'

/** The operands of a `vjp` node by their part in it. */
export interface VjpParts {
  /** The op that is differentiated, with its attributes. */
  readonly of: string
  readonly attrs: Node['attrs']
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** By output of the op; undefined where it does not reach the loss. */
  readonly cotangents: readonly (Value | undefined)[]
  /** Inputs of the op that the outputs of the node are the gradients of. */
  readonly wrt: readonly number[]
}

export function vjpParts(node: Node): VjpParts {
  const { of, outputs, cts, wrt, ...attrs } = node.attrs
  const known = cts as readonly number[]
  const outputCount = outputs as number
  const inputCount = node.inputs.length - outputCount - known.length
  const given = node.inputs.slice(inputCount + outputCount)
  return {
    of: of as string,
    attrs,
    inputs: node.inputs.slice(0, inputCount),
    outputs: node.inputs.slice(inputCount, inputCount + outputCount),
    cotangents: Array.from({ length: outputCount }, (_, i) => given[known.indexOf(i)]),
    wrt: wrt as readonly number[],
  }
}

/**
 * Inputs: those of the op `of`, its outputs, then cotangents of the outputs listed in `cts`. Outputs: the gradients of the
 * inputs listed in `wrt`. The op's own attributes stand beside these.
 */
export const vjp: OpDef = {
  kind: 'vjp',
  doc: 'gradients of a fused op, differentiated through its meaning',
  infer: (types, attrs) => {
    const outputs = intAttr(attrs, 'outputs')
    const cts = intsAttr(attrs, 'cts')
    const inputs = types.length - outputs - cts.length
    demand(
      inputs > 0 &&
        cts.every((output, i) => typeText(types[inputs + output]!) === typeText(types[inputs + outputs + i]!)),
      () => `vjp of ${textAttr(attrs, 'of')}: ${types.map(typeText).join(' ')}`,
    )
    return intsAttr(attrs, 'wrt').map((i) => types[i]!)
  },
  decompose: (g, node) => {
    const { of, attrs, inputs, cotangents, wrt } = vjpParts(node)
    // a name of its own for each operand, so that one that is given twice has two gradients
    const targets = wrt.map((i) => g.one('reshape', [inputs[i]!], { shape: inputs[i]!.type.shape }))
    const operands = inputs.map((input, i) => (wrt.includes(i) ? targets[wrt.indexOf(i)]! : input))
    // the forward's meaning again, under its name: cse merges the two
    const { result, nodes } = g.scoped(
      node.scope.replace(/\.grad$/, ''),
      () => g.differentiable(() => g.apply(of, operands, attrs)),
      true,
    )
    const seeds = new Map<Value, Value>()
    cotangents.forEach((ct, i) => {
      if (ct !== undefined) seeds.set(result[i]!, ct)
    })
    return reverse(g, nodes, seeds, targets, false).map(
      (ct, i) => ct ?? g.zeros(targets[i]!.type.shape, targets[i]!.type.dtype),
    )
  },
}
