// Turns a value and the place of one of its elements into C statements that compute that element: moves change the place,
// element-wise ops become arithmetic, what has memory becomes a load.

import type { Node, Value } from '#core/graph/types.ts'
import { sizeOf } from '#core/graph/types.ts'
import { flatten, indexText, keyOf, literal, plus, times, unflatten, variable } from './integer.ts'
import type { Index } from './integer.ts'
import { fillOf, isElementwise, isMove, registerType, triangleOf } from './values.ts'

/** What the emitter asks of the kernel that it writes for. */
export interface EmitterHost {
  /**
   * The C expression of an element that is read and not computed here, or undefined to compute it. `isConditional` where the
   * statement stands in a branch, which not every thread takes.
   */
  read(value: Value, at: Index, isConditional: boolean): string | undefined
}

export class Emitter {
  readonly lines: string[] = []
  readonly #host: EmitterHost
  readonly #scopes: Map<string, string>[] = [new Map()]
  readonly #prefix: string
  #count = 0

  constructor(host: EmitterHost, prefix = 'v') {
    this.#host = host
    this.#prefix = prefix
  }

  /** Makes an expression of a value's element available under a name, so that it is not computed twice. */
  define(value: Value, at: Index, expression: string): string {
    return this.#save(value, at, expression)
  }

  /** The C expression (a variable or a literal) of element `at` of a value, in row-major order. */
  element(value: Value, at: Index): string {
    // a reshaped value is the same memory, or the same computation
    if (value.node.op === 'reshape') return this.element(value.node.inputs[0]!, at)
    const fill = fillOf(value)
    if (fill !== undefined) return numberText(fill, value.type.dtype)
    const key = placeKey(value, at)
    for (const scope of this.#scopes) {
      const found = scope.get(key)
      if (found !== undefined) return found
    }
    const read = this.#host.read(value, at, this.#scopes.length > 1)
    if (read !== undefined) return this.#save(value, at, read)
    const { node } = value
    if (node.op === 'constant') return this.#save(value, at, this.#triangle(value, at))
    if (isMove(node)) return this.#moved(node, value, at)
    if (isElementwise(node)) return this.#save(value, at, this.#computed(node, value, at))
    throw new Error(`cuda: element of ${node.op} %${node.id} is neither read nor computed`)
  }

  #save(value: Value, at: Index, expression: string): string {
    const name = `${this.#prefix}${this.#count++}`
    this.lines.push(`${registerType(value.type.dtype)} ${name} = ${expression};`)
    this.#scopes.at(-1)!.set(placeKey(value, at), name)
    return name
  }

  #triangle(value: Value, at: Index): string {
    const triangle = triangleOf(value)
    if (triangle === undefined) throw new Error(`cuda: constant %${value.node.id} has no memory`)
    const [row, column] = unflatten(at, [triangle.size, triangle.size]) as [Index, Index]
    const compare = triangle.shift === 0 ? '<=' : '<'
    return `${indexText(column)} ${compare} ${indexText(row)} ? ${numberText(triangle.inside, 'f32')} : ${numberText(triangle.outside, 'f32')}`
  }

  #moved(node: Node, value: Value, at: Index): string {
    const input = node.inputs[0]!
    const from = input.type.shape,
      to = value.type.shape
    switch (node.op) {
      case 'transpose': {
        const perm = node.attrs['perm'] as readonly number[]
        const place = unflatten(at, to)
        const source = from.map((_, axis) => place[perm.indexOf(axis)]!)
        return this.element(input, flatten(source, from))
      }
      case 'broadcast':
        return this.element(input, broadcastPlace(at, from, to))
      case 'slice': {
        const axis = node.attrs['axis'] as number
        const place = unflatten(at, to)
        place[axis] = plus(place[axis]!, literal(node.attrs['start'] as number))
        return this.element(input, flatten(place, from))
      }
      case 'pad': {
        const axis = node.attrs['axis'] as number
        const before = node.attrs['before'] as number
        return this.#chosen(value, at, axis, [
          { start: before, size: from[axis]!, part: input },
          { start: 0, size: Infinity, part: undefined },
        ])
      }
      default: {
        const axis = node.attrs['axis'] as number
        let start = 0
        const parts = node.inputs.map((part) => {
          const size = part.type.shape[axis]!
          const entry = { start, size, part }
          start += size
          return entry
        })
        return this.#chosen(value, at, axis, parts)
      }
    }
  }

  /** An element of one of several parts that lie side by side on an axis; outside of all it is 0. */
  #chosen(
    value: Value,
    at: Index,
    axis: number,
    parts: readonly { start: number; size: number; part: Value | undefined }[],
  ): string {
    const place = unflatten(at, value.type.shape)
    const along = place[axis]!
    if (along.terms.length === 0) {
      const chosen = parts.find(({ start, size }) => along.constant >= start && along.constant < start + size)!
      if (chosen.part === undefined) return numberText(0, value.type.dtype)
      const source = place.with(axis, literal(along.constant - chosen.start))
      return this.element(chosen.part, flatten(source, chosen.part.type.shape))
    }
    const name = `${this.#prefix}${this.#count++}`
    this.lines.push(`${registerType(value.type.dtype)} ${name} = 0;`)
    const position = `${name}x`
    this.lines.push(`unsigned ${position} = ${indexText(along)};`)
    let isFirst = true
    for (const { start, size, part } of parts) {
      if (part === undefined) continue
      const own = `${position}${start}`
      const test = start === 0 ? `${position} < ${size}u` : `${position} - ${start}u < ${size}u`
      this.lines.push(`${isFirst ? '' : 'else '}if (${test}) {`, `unsigned ${own} = ${position} - ${start}u;`)
      this.#scopes.push(new Map())
      const source = place.with(axis, variable(own, size))
      const element = this.element(part, flatten(source, part.type.shape))
      this.#scopes.pop()
      this.lines.push(`${name} = ${element};`, '}')
      isFirst = false
    }
    this.#scopes.at(-1)!.set(placeKey(value, at), name)
    return name
  }

  #computed(node: Node, value: Value, at: Index): string {
    const to = value.type.shape
    const operand = (i: number): string => {
      const input = node.inputs[i]!
      return this.element(input, broadcastPlace(at, input.type.shape, to))
    }
    switch (node.op) {
      case 'gather': {
        const [table, indices] = node.inputs as [Value, Value]
        const width = sizeOf(table.type.shape.slice(1))
        const [row, column] = unflatten(at, [sizeOf(indices.type.shape), width]) as [Index, Index]
        const rows = table.type.shape[0]!
        const name = this.#bounded(this.element(indices, row), rows)
        return this.element(table, plus(times(variable(name, rows), width), column))
      }
      case 'take_along': {
        const [x, indices] = node.inputs as [Value, Value]
        const width = x.type.shape.at(-1)!
        const [row] = unflatten(at, [sizeOf(to) / to.at(-1)!, to.at(-1)!]) as [Index, Index]
        const name = this.#bounded(this.element(indices, at), width)
        return this.element(x, plus(times(row, width), variable(name, width)))
      }
      case 'add_along': {
        const [x, indices, updates] = node.inputs as [Value, Value, Value]
        const each = indices.type.shape.at(-1)!
        const width = to.at(-1)!
        const [row, column] = unflatten(at, [sizeOf(to) / width, width]) as [Index, Index]
        let sum = this.element(x, at)
        for (let j = 0; j < each; j++) {
          const place = plus(times(row, each), literal(j))
          const index = this.element(indices, place)
          sum = `${sum} + ((unsigned)${index} == ${indexText(column)} ? ${this.element(updates, place)} : 0.0f)`
        }
        return sum
      }
      case 'add_gumbel': {
        const width = to.at(-1)!
        const [row, column] = unflatten(at, [sizeOf(to) / width, width]) as [Index, Index]
        const place = `${indexText(column)}, ${indexText(row)}`
        return `add_gumbel(${operand(0)}, ${operand(1)}, ${operand(2)}, ${operand(3)}, ${place})`
      }
      default:
        return expressionOf(node, operand)
    }
  }

  /** An index read from memory, held inside the table so that a wrong one cannot fault. */
  #bounded(element: string, size: number): string {
    const name = `${this.#prefix}${this.#count++}`
    this.lines.push(`unsigned ${name} = min((unsigned)${element}, ${size - 1}u);`)
    return name
  }
}

/** Place in an operand of the element at `at` of the larger shape that it is broadcast to. */
export function broadcastPlace(at: Index, from: readonly number[], to: readonly number[]): Index {
  if (sizeOf(from) === 1) return literal(0)
  if (sizeOf(from) === sizeOf(to)) return at
  const place = unflatten(at, to).slice(to.length - from.length)
  return flatten(
    place.map((index, axis) => (from[axis] === 1 ? literal(0) : index)),
    from,
  )
}

const placeKey = (value: Value, at: Index): string => `${value.node.id}.${value.index}@${keyOf(at)}`

/** A literal of an element type. */
export function numberText(value: number, dtype: Value['type']['dtype']): string {
  if (dtype === 'i32') return String(Math.trunc(value))
  if (dtype === 'bool') return value === 0 ? 'false' : 'true'
  if (Number.isNaN(value)) return '__int_as_float(0x7fc00000)'
  if (!Number.isFinite(value)) return value > 0 ? '__int_as_float(0x7f800000)' : '__int_as_float(0xff800000)'
  const text = String(Math.fround(value))
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}

function expressionOf(node: Node, operand: (i: number) => string): string {
  const a = operand(0)
  const from = node.inputs[0]!.type.dtype
  const isFloat = from === 'f32'
  switch (node.op) {
    case 'neg':
      return `-${a}`
    case 'exp':
      return `exp_f(${a})`
    case 'log':
      return `logf(${a})`
    case 'sqrt':
      return `sqrtf(${a})`
    case 'tanh':
      return `tanhf(${a})`
    case 'sigmoid':
      return `sigmoid_f(${a})`
    case 'relu':
      return `larger(${a}, 0.0f)`
    case 'abs':
      return isFloat ? `fabsf(${a})` : `(${a} < 0 ? -${a} : ${a})`
    case 'erf':
      return `erff(${a})`
    case 'add':
      return `${a} + ${operand(1)}`
    case 'sub':
      return `${a} - ${operand(1)}`
    case 'mul':
      return `${a} * ${operand(1)}`
    case 'div':
      return `${a} / ${operand(1)}`
    case 'maximum':
      return isFloat ? `larger(${a}, ${operand(1)})` : `max(${a}, ${operand(1)})`
    case 'minimum':
      return isFloat ? `smaller(${a}, ${operand(1)})` : `min(${a}, ${operand(1)})`
    case 'less':
      return `${a} < ${operand(1)}`
    case 'equal':
      return `${a} == ${operand(1)}`
    case 'where':
      return `${a} ? ${operand(1)} : ${operand(2)}`
    case 'cast': {
      const to = node.attrs['to']
      if (to === 'bool') return `${a} != 0`
      return to === 'i32' ? `(int)${a}` : `(float)${a}`
    }
    default:
      throw new Error(`cuda: no expression for ${node.op}`)
  }
}
