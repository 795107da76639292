import { HeddleError } from '../errors.ts'
import type { Attr, DType, Graph, Node, NumberArray, OpTable, Output, TensorType, Value } from './types.ts'
import { DTYPE_BYTES } from './types.ts'
import { verify } from './verify.ts'

const LINE = /^%(\d+) = (\w+)\(([^)]*)\)(?: \{(.*?)\})?(?: <([^>]*)>)? : (.*?)(?: @ (\S+))?$/

/**
 * Reads the text that `printGraph` writes and verifies the result.
 * @throws HeddleError `graph-invalid` with the line.
 */
export function parseGraph(text: string, ops: OpTable): Graph {
  const nodes: Node[] = []
  const byId = new Map<number, Node>()
  let outputs: Output[] | undefined
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return
    const fail = (rule: string): never => {
      throw new HeddleError('graph-invalid', `${rule}: ${JSON.stringify(line.slice(0, 80))}`, { path: `line ${i + 1}` })
    }
    const value = (ref: string): Value => {
      const match = /^%(\d+)(?:\.(\d+))?$/.exec(ref.trim())
      const found = match === null ? undefined : byId.get(Number(match[1]))?.outputs[Number(match[2] ?? 0)]
      return found ?? fail(`${ref} is not defined`)
    }
    if (outputs !== undefined) fail('text after the return line')
    if (line.startsWith('return ')) {
      outputs = line
        .slice(7)
        .split(', ')
        .filter((part) => part !== '')
        .map((part) => {
          const at = part.lastIndexOf('=')
          return { name: part.slice(0, at), value: value(part.slice(at + 1)) }
        })
      return
    }
    const match = LINE.exec(line)
    if (match === null) return fail('not a node')
    const [, id, op, operands, attrs, data, types, scope] = match
    const node: Node = {
      id: Number(id),
      op: op!,
      inputs: operands === '' ? [] : operands!.split(',').map(value),
      attrs: attrs === undefined ? {} : parseAttrs(attrs, fail),
      outputs: [],
      scope: scope ?? '',
      ...(data === undefined ? {} : { data: parseData(data, fail) }),
    }
    ;(node as { outputs: readonly Value[] }).outputs = parseTypes(types!, fail).map((type, index) => ({
      node,
      index,
      type,
    }))
    nodes.push(node)
    byId.set(node.id, node)
  })
  if (outputs === undefined)
    throw new HeddleError('graph-invalid', 'the text ends without a return line', { path: 'end' })
  try {
    return verify({ nodes, outputs }, ops, 'parsed graph')
  } catch (error) {
    throw new HeddleError('graph-invalid', (error as Error).message.split('\n')[0]!, { path: 'graph' })
  }
}

type Fail = (rule: string) => never

function parseAttrs(text: string, fail: Fail): Record<string, Attr> {
  const attrs: Record<string, Attr> = {}
  const pattern = /(\w+)=(\[[^\]]*\]|"(?:[^"\\]|\\.)*"|[^,\s]+)(?:, |$)/gy
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (match === null) return fail('attributes cannot be read')
    attrs[match[1]!] = parseAttr(match[2]!, fail)
  }
  return attrs
}

function parseAttr(text: string, fail: Fail): Attr {
  if (text.startsWith('['))
    return text === '[]'
      ? []
      : text
          .slice(1, -1)
          .split(',')
          .map((part) => parseNumber(part, fail))
  if (text === 'true' || text === 'false') return text === 'true'
  if (!text.startsWith('"')) return parseNumber(text, fail)
  try {
    return JSON.parse(text) as string
  } catch {
    return fail(`${text} is not a text`)
  }
}

function parseData(text: string, fail: Fail): NumberArray {
  return text === '' ? new Float64Array(0) : Float64Array.from(text.split(' '), (part) => parseNumber(part, fail))
}

function parseNumber(text: string, fail: Fail): number {
  const value = Number(text)
  return text !== '' && (!Number.isNaN(value) || text === 'NaN')
    ? value
    : fail(`${JSON.stringify(text)} is not a number`)
}

function parseTypes(text: string, fail: Fail): TensorType[] {
  return text.split(', ').map((part) => {
    const match = /^(\w+)\[([\d,]*)\]$/.exec(part)
    if (match === null || !(match[1]! in DTYPE_BYTES)) return fail(`${part} is not a type`)
    return { dtype: match[1] as DType, shape: match[2] === '' ? [] : match[2]!.split(',').map(Number) }
  })
}
