// What a line of search finds: words anywhere in a row, `column:word`, and bounds such as `depth>=8` or `bitsPerByte<1.2`.

import type { HistoryRow } from './rows.ts'

type Term =
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'in'; readonly column: string; readonly word: string }
  | { readonly kind: 'bound'; readonly column: string; readonly fits: (value: number) => boolean }

const BOUNDS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
  '=': (value, bound) => value === bound,
}

/** The terms of a line; `columns` are the keys that a term may name, in any case. Quotes hold words together. */
export function parseFind(line: string, columns: readonly string[]): Term[] {
  const known = new Map(columns.map((key) => [key.toLowerCase(), key]))
  const parts = line.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
  return parts.flatMap((part): Term[] => {
    const plain = part.replaceAll('"', '')
    if (plain === '') return []
    const match = /^([^:<>=]+)(:|<=|>=|<|>|=)(.+)$/.exec(plain)
    const column = match === null ? undefined : known.get(match[1]!.toLowerCase())
    if (match === null || column === undefined) return [{ kind: 'word', word: plain.toLowerCase() }]
    const [, , sign = '', rest = ''] = match
    const bound = Number(rest)
    const compare = BOUNDS[sign]
    if (compare !== undefined && Number.isFinite(bound))
      return [{ kind: 'bound', column, fits: (value) => compare(value, bound) }]
    return [{ kind: 'in', column, word: rest.toLowerCase() }]
  })
}

const texts = new WeakMap<HistoryRow, string>()

function textOf(row: HistoryRow): string {
  let text = texts.get(row)
  if (text === undefined) texts.set(row, (text = Object.values(row.values).join(' ').toLowerCase()))
  return text
}

/** Whether a row has all of the terms. */
export function finds(terms: readonly Term[], row: HistoryRow): boolean {
  return terms.every((term) => {
    if (term.kind === 'word') return textOf(row).includes(term.word)
    const value = row.values[term.column]
    if (term.kind === 'in')
      return String(value ?? '')
        .toLowerCase()
        .includes(term.word)
    return typeof value === 'number' && term.fits(value)
  })
}
