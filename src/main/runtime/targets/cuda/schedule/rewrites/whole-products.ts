// Products of one operand with the parts of one weight become the product with the whole weight, and their gradients two products:
// a device is fuller, and the operand is read once. Readers take their columns of the result where they lie; what the gradients
// are computed from is written side by side (../rows.ts).

import type { Graph, Node, Value } from '#core/graph/types.ts'
import { readersIn } from '#core/graph/types.ts'
import type { GraphBuilder } from '#core/ops/builder.ts'
import { withoutDead } from '#core/passes/dce.ts'
import { fold } from '#core/passes/fold.ts'
import { rewrite } from '#core/passes/rewrite.ts'
import { gemvProduct } from '../few-rows/gemv.ts'
import { isLargeProduct } from '../matmul-view.ts'
import { summedProducts } from './summed-products.ts'

/**
 * @param isExact products that do not go to the library
 * @param maySum whether weights that lie one below the other may be one operand (summed-products.ts)
 */
export function wholeProducts(graph: Graph, isExact: (node: Node) => boolean, maySum: boolean): Graph {
  const isLibrary = (node: Node): boolean => !isExact(node) && isLargeProduct(node) && gemvProduct(node) === undefined
  const joined = withoutDead(rewrite(graph, concatenated))
  const cuts = findCuts(joined, isLibrary)
  const whole = cuts.size === 0 ? joined : rewrite(joined, (g, node, inputs) => cuts.get(node)?.(g, inputs))
  const summed = maySum ? summedProducts(whole, isLibrary) : whole
  return summed === joined ? joined : withoutDead(fold(summed))
}

/** Sums of paddings that fill an axis without gap or overlap, as a concatenation. */
function concatenated(g: GraphBuilder, node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  if (node.op !== 'add') return undefined
  const pads = inputs.flatMap(termsOf).map((term) => term.node)
  if (pads.some((pad) => pad.op !== 'pad')) return undefined
  const axis = pads[0]!.attrs['axis'] as number
  const startOf = (pad: Node): number => pad.attrs['before'] as number
  const sizeIn = (pad: Node): number => pad.inputs[0]!.type.shape[axis]!
  const sorted = [...pads].sort((a, b) => startOf(a) - startOf(b))
  let end = 0
  for (const pad of sorted) {
    if (pad.attrs['axis'] !== axis || startOf(pad) !== end) return undefined
    end += sizeIn(pad)
  }
  if (end !== node.outputs[0]!.type.shape[axis]) return undefined
  const parts = sorted.map((pad) => pad.inputs[0]!)
  return [g.concat(parts, axis)]
}

const termsOf = (value: Value): readonly Value[] =>
  value.node.op === 'add' ? value.node.inputs.flatMap(termsOf) : [value]

type Replace = (g: GraphBuilder, inputs: readonly Value[]) => readonly Value[]

/** A part of a weight with its product and, in training, what its gradients are made by. */
interface Part {
  readonly start: number
  readonly end: number
  readonly forward: Node
  /** The gradient of the operand, ct Wᵀ. */
  readonly operand: Node | undefined
  /** The gradient of the part. */
  readonly weight: Node | undefined
}

/** What becomes of nodes that belong to products with parts of a weight. */
function findCuts(graph: Graph, isLibrary: (node: Node) => boolean): ReadonlyMap<Node, Replace> {
  const all = readersIn(graph.nodes)
  const readers = (value: Value): readonly Node[] => all.get(value) ?? []
  const found = new Map<Node, Replace>()
  for (const weight of graph.nodes) {
    if (weight.op !== 'input' || weight.outputs[0]!.type.shape.length !== 2) continue
    const parts = partsOf(weight.outputs[0]!, readers)
    if (parts === undefined || !parts.every(({ forward }) => isLibrary(forward))) continue
    replaceForward(parts, found)
    if (isDifferentiated(parts, readers)) replaceBackward(parts, readers, found)
  }
  return found
}

const flags = ({ attrs }: Node): string => `${attrs['transposeA'] === true} ${attrs['transposeB'] === true}`

function partsOf(weight: Value, readers: (value: Value) => readonly Node[]): readonly Part[] | undefined {
  const slices = readers(weight)
    .filter((node) => node.op === 'slice' && node.attrs['axis'] === 0)
    .sort((a, b) => (a.attrs['start'] as number) - (b.attrs['start'] as number))
  if (slices.length < 2) return undefined
  const parts: Part[] = []
  let end = 0
  for (const slice of slices) {
    if (slice.attrs['start'] !== end) return undefined
    end = slice.attrs['end'] as number
    const value = slice.outputs[0]!
    const products = readers(value).filter((node) => node.op === 'matmul' && node.inputs[1] === value)
    const [forward, ...others] = products.filter((node) => flags(node) === 'false true')
    const [operand, ...more] = products.filter((node) => flags(node) === 'false false')
    if (forward === undefined || others.length + more.length > 0 || products.length !== readers(value).length)
      return undefined
    if (forward.inputs[0] !== (parts[0]?.forward ?? forward).inputs[0]) return undefined
    const ct = operand?.inputs[0]
    const gradients = ct === undefined ? [] : readers(ct)
    parts.push({
      start: slice.attrs['start'] as number,
      end,
      forward,
      operand,
      weight: gradients.find((node) => flags(node) === 'true false' && node.inputs[1] === forward.inputs[0]),
    })
  }
  return end === weight.type.shape[0] && parts[0]!.forward.inputs[0]!.type.shape.length === 2 ? parts : undefined
}

/** The gradients' sum and concatenation: they are used in no other way. */
function isDifferentiated(parts: readonly Part[], readers: (value: Value) => readonly Node[]): boolean {
  const sums = parts.map(({ operand }) => (operand === undefined ? new Set<Node>() : sumsOf(operand, readers)))
  const whole = parts.map(({ weight }) => (weight === undefined ? [] : readers(weight.outputs[0]!)))
  const concat = whole[0]![0]
  return (
    [...sums[0]!].some((node) => sums.every((set) => set.has(node))) &&
    concat?.op === 'concat' &&
    concat.attrs['axis'] === 0 &&
    whole.every((nodes) => nodes.length === 1 && nodes[0] === concat) &&
    concat.inputs.length === parts.length &&
    concat.inputs.every((input, i) => input === parts[i]!.weight!.outputs[0])
  )
}

/** The sums that a value goes into, and nothing else. */
function sumsOf(node: Node, readers: (value: Value) => readonly Node[]): ReadonlySet<Node> {
  const found = new Set<Node>()
  let next = readers(node.outputs[0]!)
  while (next.length === 1 && (next[0]!.op === 'add' || next[0]!.op === 'reshape')) {
    found.add(next[0]!)
    next = readers(next[0]!.outputs[0]!)
  }
  return found
}

function replaceForward(parts: readonly Part[], found: Map<Node, Replace>): void {
  let whole: Value | undefined
  for (const { forward, start, end } of parts)
    found.set(forward, (g, [x, part]) => {
      whole ??= g.matmul(x!, part!.node.inputs[0]!, { transposeB: true })
      return [g.slice(whole, 1, start, end)]
    })
}

function replaceBackward(
  parts: readonly Part[],
  readers: (value: Value) => readonly Node[],
  found: Map<Node, Replace>,
): void {
  const cotangents = new Map<Part, Value>()
  let whole: Value | undefined
  const together = (g: GraphBuilder): Value =>
    (whole ??= g.concat(
      parts.map((part) => cotangents.get(part)!),
      1,
    ))
  for (const part of parts)
    found.set(part.operand!, (g, [ct, weight]) => {
      cotangents.set(part, ct!)
      // the last one stands for all
      const isLast = cotangents.size === parts.length
      return [isLast ? g.matmul(together(g), weight!.node.inputs[0]!) : g.zeros(part.operand!.outputs[0]!.type.shape)]
    })
  const [concat] = readers(parts[0]!.weight!.outputs[0]!)
  found.set(concat!, (g, [gradient]) => [g.matmul(together(g), gradient!.node.inputs[1]!, { transposeA: true })])
}
