// The compact text of a spec, both ways:
//
//     {dModel: 2048, vocabSize: 32000} early:(d f m2 f)x3 a{window: 512} f !gla
//
// Settings of the model come first; a block is its symbol with the parameters that differ from the defaults; groups repeat
// with xN and may carry a label; `!` disables a block.

import { blockOf, blockOfSymbol, blocks } from '../blocks/index.ts'
import { HeddleError } from '../errors.ts'
import { show } from '../params.ts'
import type { ParamValue } from '../params.ts'
import type { ArchSpec, StackItem } from './spec.ts'
import { isGroup, parseSpec, SPEC_VERSION } from './spec.ts'

/** Prints a spec; `parseSpecText` reads it back to an equal one. */
export function printSpecText(spec: ArchSpec): string {
  const settings: Record<string, ParamValue> = { ...(spec.name !== undefined && { name: spec.name }), ...spec.model }
  const head = Object.keys(settings).length === 0 ? '' : `${printParams(settings)} `
  return head + printPattern(spec.blocks)
}

/** The stack alone, without the model's settings: `(d f m2 f)x3 a f`. */
export function printPattern(items: readonly StackItem[]): string {
  return items
    .map((item) => {
      if (isGroup(item))
        return `${item.label === undefined ? '' : `${item.label}:`}(${printPattern(item.blocks)})x${item.repeat}`
      const params = item.params === undefined ? '' : printParams(item.params)
      return `${item.disabled === true ? '!' : ''}${blockOf(item.kind, 'kind').symbol}${params}`
    })
    .join(' ')
}

const printParams = (params: Readonly<Record<string, ParamValue>>): string =>
  `{${Object.entries(params)
    .map(([k, v]) => `${k}: ${printValue(v)}`)
    .join(', ')}}`

/** Words stand alone; text that would read back as something else is quoted. */
function printValue(value: ParamValue): string {
  if (value === null) return 'none'
  const isWord = typeof value !== 'string' || (/^[A-Za-z_]\w*$/.test(value) && !/^(none|null|true|false)$/.test(value))
  return isWord ? String(value) : JSON.stringify(value)
}

/**
 * Reads the text form.
 * @throws HeddleError `spec-syntax` with `line:column`, or what `parseSpec` throws for a bad value.
 */
export function parseSpecText(text: string): ArchSpec {
  const reader = new Reader(text)
  const head = reader.peek() === '{' ? reader.params() : {}
  const items = reader.items(0)
  if (reader.peek() !== '') reader.fail(`unexpected ${show(reader.peek())}`)
  const { name, ...model } = head
  return parseSpec({ heddle: SPEC_VERSION, ...(name !== undefined && { name: String(name) }), model, blocks: items })
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  fail(message: string, hint?: string): never {
    const before = this.#text.slice(0, this.#at).split('\n')
    throw new HeddleError('spec-syntax', message, { path: `${before.length}:${before.at(-1)!.length + 1}`, hint })
  }

  /** The next character that is not space, '' at the end. */
  peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text[this.#at] ?? ''
  }

  #take(pattern: RegExp): string | undefined {
    this.peek()
    const sticky = new RegExp(pattern, 'y')
    sticky.lastIndex = this.#at
    const match = sticky.exec(this.#text)
    if (match === null) return undefined
    this.#at = sticky.lastIndex
    return match[0]
  }

  #expect(char: string): void {
    if (this.peek() !== char)
      this.fail(`expected ${show(char)}, got ${this.peek() === '' ? 'the end' : show(this.peek())}`)
    this.#at++
  }

  items(depth: number): StackItem[] {
    if (depth > 32) this.fail('groups are nested too deep')
    const items: StackItem[] = []
    while (this.peek() !== '' && this.peek() !== ')') items.push(this.#item(depth))
    return items
  }

  #item(depth: number): StackItem {
    const label = this.#take(/[A-Za-z][\w-]*:(?=\s*\()/)?.slice(0, -1)
    if (this.peek() === '(') {
      this.#at++
      const blocks = this.items(depth + 1)
      this.#expect(')')
      const repeat = this.#take(/[x×]\d+/)
      return {
        repeat: repeat === undefined ? 1 : Number(repeat.slice(1)),
        blocks,
        ...(label !== undefined && { label }),
      }
    }
    const disabled = this.peek() === '!'
    if (disabled) this.#at++
    const start = this.#at
    const symbol = this.#take(/[A-Za-z]\w*/)
    const block = symbol === undefined ? undefined : blockOfSymbol(symbol)
    if (block === undefined) {
      this.#at = start
      this.fail(
        `unknown block ${show(symbol ?? this.peek())}`,
        `known blocks: ${blocks.map((b) => `${b.symbol} (${b.title})`).join(', ')}`,
      )
    }
    const params = this.peek() === '{' ? this.params() : {}
    return { kind: block.kind, ...(Object.keys(params).length > 0 && { params }), ...(disabled && { disabled }) }
  }

  params(): Record<string, ParamValue> {
    const params: Record<string, ParamValue> = Object.create(null) as Record<string, ParamValue>
    this.#expect('{')
    while (this.peek() !== '}') {
      const name = this.#take(/[A-Za-z_]\w*/)
      if (name === undefined)
        this.fail(`expected a parameter name, got ${this.peek() === '' ? 'the end' : show(this.peek())}`)
      if (Object.hasOwn(params, name)) this.fail(`parameter ${show(name)} is given twice`)
      this.#expect(':')
      params[name] = this.#value()
      if (this.peek() === ',') this.#at++
      else if (this.peek() !== '}')
        this.fail(`expected "," or "}", got ${this.peek() === '' ? 'the end' : show(this.peek())}`)
    }
    this.#at++
    return { ...params }
  }

  #value(): ParamValue {
    const number = this.#take(/[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?(?![\w.])/)
    if (number !== undefined) return Number(number)
    const text = this.#take(/"(?:[^"\\]|\\.)*"/)
    if (text !== undefined) {
      try {
        return JSON.parse(text) as string
      } catch {
        return this.fail(`text ${show(text)} is not closed or has a bad escape`)
      }
    }
    const word = this.#take(/[A-Za-z_]\w*/)
    if (word === undefined) this.fail(`expected a value, got ${this.peek() === '' ? 'the end' : show(this.peek())}`)
    if (word === 'true' || word === 'false') return word === 'true'
    return word === 'none' || word === 'null' ? null : word
  }
}
