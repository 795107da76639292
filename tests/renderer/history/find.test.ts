import fc from 'fast-check'
import { expect, it } from 'vitest'
import { finds, parseFind } from '../../../src/renderer/views/history/find.ts'
import type { HistoryRow } from '../../../src/renderer/views/history/rows.ts'
import { FIELDS, groupsOf, groupText, KINDS } from '../../../src/renderer/views/history/rows.ts'

const row = (values: HistoryRow['values']): HistoryRow => ({
  key: '1',
  id: 1,
  title: '',
  values,
  spec: undefined,
  error: null,
  place: { view: 'train', query: {} },
})
const good = row({ id: 1, name: 'Wide hybrid', tags: 'good, keep', depth: 8, bitsPerByte: 1.5, note: 'see run 7' })
const bare = row({ id: 2, name: 'deep', tags: '', depth: null, bitsPerByte: null, note: '' })
const columns = ['id', 'name', 'tags', 'depth', 'bitsPerByte', 'note']
const found = (line: string): string =>
  [good, bare]
    .filter((one) => finds(parseFind(line, columns), one))
    .map((one) => one.values['id'])
    .join(' ')

it('every word must be somewhere in the row, in any case', () => {
  expect(found('')).toBe('1 2')
  expect(found('wide RUN')).toBe('1')
  expect(found('wide deep')).toBe('')
  expect(found('"see run"')).toBe('1')
  expect(found('"run see"')).toBe('')
})

it('a term names its column, or bounds a number', () => {
  expect(found('tags:good')).toBe('1')
  expect(found('name:good')).toBe('')
  expect(found('name:"wide hybrid"')).toBe('1')
  expect(found('depth>=8')).toBe('1')
  expect(found('depth>8')).toBe('')
  expect(found('BITSPERBYTE<1.6')).toBe('1')
  expect(found('bitsPerByte<1.4')).toBe('')
  expect(found('depth=8 wide')).toBe('1')
})

it('what is no column is a word', () => {
  expect(found('http://x')).toBe('')
  expect(parseFind('a<b', columns)).toEqual([{ kind: 'word', word: 'a<b' }])
  expect(parseFind('depth<deep', columns)).toEqual([{ kind: 'in', column: 'depth', word: 'deep' }])
})

it('takes any line', () => {
  fc.assert(fc.property(fc.string(), (line) => void [good, bare].map((one) => finds(parseFind(line, columns), one))))
})

it('a table is grouped by the columns that it has', () => {
  for (const kind of KINDS) {
    expect(new Set(FIELDS[kind].map(({ key }) => key)).size).toBe(FIELDS[kind].length)
    expect(groupsOf(kind)[0]).toBe('none')
  }
  expect(groupsOf('spec')).toEqual(['none', 'mix', 'depth', 'width'])
  expect(groupText(good, 'depth')).toBe('8 blocks')
  expect(groupText(bare, 'depth')).toBe('no depth')
})
