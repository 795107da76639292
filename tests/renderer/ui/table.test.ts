import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clickLine, moveChoice, moveLine, type Choice } from '../../../src/renderer/ui/table/choose.ts'
import { cellText, type Column } from '../../../src/renderer/ui/table/column.ts'
import { linesOf, nextSort, scrollTo, sortRows, visibleSpan } from '../../../src/renderer/ui/table/rows.ts'
import { toTsv } from '../../../src/renderer/ui/table/tsv.ts'

interface Row {
  readonly name: string
  readonly size: number | null
}
const columns: readonly Column<Row>[] = [
  { key: 'name', title: 'Name', value: (row) => row.name },
  { key: 'size', title: 'Size', unit: 'ms', value: (row) => row.size },
]
const rows: readonly Row[] = [
  { name: 'run 10', size: 2 },
  { name: 'run 2', size: null },
  { name: 'Run 1', size: 30 },
]
const names = (sorted: readonly Row[]) => sorted.map((row) => row.name)

describe('sortRows', () => {
  it('orders numbers by size and texts as people read them', () => {
    expect(names(sortRows(rows, columns, { column: 'name', direction: 'up' }))).toEqual(['Run 1', 'run 2', 'run 10'])
    expect(names(sortRows(rows, columns, { column: 'size', direction: 'up' }))).toEqual(['run 10', 'Run 1', 'run 2'])
  })
  it('has missing values last both ways, and leaves rows alone without a known column', () => {
    expect(names(sortRows(rows, columns, { column: 'size', direction: 'down' }))).toEqual(['Run 1', 'run 10', 'run 2'])
    expect(sortRows(rows, columns, { column: 'gone', direction: 'up' })).toBe(rows)
    expect(sortRows(rows, columns, undefined)).toBe(rows)
  })
  it('cycles up, down, as given', () => {
    const up = nextSort(undefined, 'name')
    const down = nextSort(up, 'name')
    expect([up?.direction, down?.direction, nextSort(down, 'name')]).toEqual(['up', 'down', undefined])
    expect(nextSort(down, 'size')).toEqual({ column: 'size', direction: 'up' })
  })
})

it('groups lines in the order of first rows and folds them', () => {
  const by = (row: Row) => (row.size === null ? 'open' : 'done')
  expect(linesOf(rows, by, new Set(['done'])).map((line) => (line.kind === 'row' ? line.row.name : line))).toEqual([
    { kind: 'group', group: 'done', count: 2, folded: true },
    { kind: 'group', group: 'open', count: 1, folded: false },
    'run 2',
  ])
})

it('keeps every line in sight inside the span, and the span small', () => {
  fc.assert(
    fc.property(fc.nat(3_000_000), fc.integer({ min: 1, max: 2000 }), fc.nat(100_000), (scrollTop, height, count) => {
      const { from, to } = visibleSpan(scrollTop, height, 28, count)
      expect(from).toBeGreaterThanOrEqual(0)
      expect(to).toBeLessThanOrEqual(count)
      expect(to - from).toBeLessThanOrEqual(Math.ceil(height / 28) + 13)
      const [first, last] = [Math.floor(scrollTop / 28), Math.floor((scrollTop + height - 1) / 28)]
      if (first < count) expect(from).toBeLessThanOrEqual(first)
      if (first < count) expect(to).toBeGreaterThan(Math.min(last, count - 1))
    }),
  )
})

it('scrolls just as far as a line needs', () => {
  expect(scrollTo(3, 0, 280, 28)).toBe(0)
  expect(scrollTo(10, 0, 280, 28)).toBe(28)
  expect(scrollTo(1, 100, 280, 28)).toBe(28)
})

describe('choosing', () => {
  // line 2 is the head of a group
  const keyAt = (line: number) => (line === 2 ? undefined : `r${line}`)
  const none: Choice = { active: -1, anchor: -1, selected: new Set() }
  const plain = { shift: false, mod: false }

  it('clicks alone, adds and takes out with Mod, spans with Shift', () => {
    const one = clickLine(none, 1, keyAt, plain)
    expect([...one.selected]).toEqual(['r1'])
    const span = clickLine(one, 4, keyAt, { shift: true, mod: false })
    expect([...span.selected]).toEqual(['r1', 'r3', 'r4'])
    expect(span.anchor).toBe(1)
    const without = clickLine(span, 3, keyAt, { shift: false, mod: true })
    expect([...without.selected]).toEqual(['r1', 'r4'])
    expect([...clickLine(without, 6, keyAt, { shift: true, mod: true }).selected]).toEqual([
      'r1',
      'r4',
      'r3',
      'r5',
      'r6',
    ])
  })

  it('moves by key inside the table', () => {
    expect(moveLine('ArrowDown', -1, 5, 3)).toBe(0)
    expect(moveLine('ArrowUp', -1, 5, 3)).toBe(4)
    expect(moveLine('PageDown', 3, 5, 3)).toBe(4)
    expect(moveLine('Home', 3, 5, 3)).toBe(0)
    expect(moveLine('x', 3, 5, 3)).toBeUndefined()
    expect(moveLine('ArrowDown', -1, 0, 3)).toBeUndefined()
  })

  it('extends with Shift from the anchor and comes back', () => {
    let choice = clickLine(none, 3, keyAt, plain)
    choice = moveChoice(choice, 4, keyAt, { shift: true, mod: false })
    choice = moveChoice(choice, 5, keyAt, { shift: true, mod: false })
    expect([...choice.selected]).toEqual(['r3', 'r4', 'r5'])
    choice = moveChoice(choice, 3, keyAt, { shift: true, mod: false })
    expect([...choice.selected]).toEqual(['r3'])
    expect(moveChoice(choice, 6, keyAt, { shift: false, mod: true })).toEqual({ ...choice, active: 6 })
  })
})

it('copies titles with units and every digit; a text cannot become a formula', () => {
  const odd: Row[] = [
    { name: '=1+1\tx', size: 0.1234567890123 },
    { name: '-4', size: null },
  ]
  expect(toTsv(columns, odd)).toBe("Name\tSize (ms)\n'=1+1 x\t0.1234567890123\n-4\t")
})

it('shows a dash for a missing value', () => {
  expect(cellText(columns[1]!, rows[1]!)).toBe('–')
})
