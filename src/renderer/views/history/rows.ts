// The tables of a project as rows of one shape: what can be found, filtered, grouped, exported and opened alike.

import { mixOf, shapeOf } from '#core/model/shape.ts'
import { metricOf } from '#core/metrics.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import type { ErrorRecord } from '#core/errors.ts'
import type { View } from '../../router.svelte.ts'
import type { CellValue } from '../../ui/table/column.ts'

export const KINDS = ['run', 'study', 'trial', 'measurement', 'spec'] as const
export type Kind = (typeof KINDS)[number]

/** Where a row belongs. */
export interface Place {
  readonly view: View
  readonly query: Readonly<Record<string, string | number | undefined>>
}

/** One row of any table. */
export interface HistoryRow {
  readonly key: string
  /** Number in its table; specs have none. */
  readonly id: number | undefined
  readonly title: string
  /** By the keys of the columns. */
  readonly values: Readonly<Record<string, CellValue>>
  readonly spec: ArchSpec | undefined
  readonly error: ErrorRecord | null
  readonly place: Place
}

/** One column; dates are milliseconds. */
export interface Field {
  readonly key: string
  readonly title: string
  readonly unit?: string
  readonly width: number
  readonly type: 'text' | 'number' | 'date'
}

const text = (key: string, title: string, width: number): Field => ({ key, title, width, type: 'text' })
const number = (key: string, title: string, width: number, unit = ''): Field => ({
  key,
  title,
  width,
  type: 'number',
  ...(unit !== '' && { unit }),
})
const date = (key: string, title: string): Field => ({ key, title, width: 146, type: 'date' })
const ID = number('id', '#', 56)
const SHAPE = [number('depth', 'Blocks', 62), number('width', 'Width', 58), text('mix', 'Mix', 130)]
const NOTES = [text('tags', 'Tags', 110), text('note', 'Note', 160)]

/** A column of a metric, with its unit. */
export function metricField(kind: string): Field {
  const metric = metricOf(kind)
  const title = metric?.title ?? kind
  const unit = metric?.unit ?? ''
  return number(kind, title, Math.max(86, 28 + 6 * (title.length + unit.length)), unit)
}

/** Columns of each table; those of metrics stand before the date. */
export const FIELDS: Readonly<Record<Kind, readonly Field[]>> = {
  run: [
    ID,
    text('name', 'Name', 150),
    text('state', 'State', 84),
    text('stack', 'Stack', 220),
    ...SHAPE,
    number('steps', 'Steps', 70),
    number('seed', 'Seed', 58),
    number('study', 'Study', 60),
    date('at', 'Started'),
    text('where', 'Where', 200),
    ...NOTES,
  ],
  study: [
    ID,
    text('name', 'Name', 240),
    text('kind', 'Kind', 130),
    text('state', 'State', 90),
    text('searcher', 'Searcher', 140),
    number('trials', 'Trials', 70),
    number('seed', 'Seed', 58),
    date('at', 'Changed'),
    ...NOTES,
  ],
  trial: [
    number('number', 'Trial', 60),
    number('study', 'Study', 60),
    text('state', 'State', 84),
    text('stack', 'Stack', 220),
    ...SHAPE,
    text('change', 'Made by', 90),
    number('parent', 'Parent', 66),
    date('at', 'Changed'),
  ],
  measurement: [
    ID,
    text('name', 'Name', 150),
    text('phase', 'Phase', 70),
    text('stack', 'Stack', 200),
    ...SHAPE,
    number('context', 'Context', 70, ''),
    number('batch', 'Batch', 58),
    text('dtype', 'Type', 56),
    number('p50', 'Median', 90, 'ms'),
    number('low', '95 % from', 104, 'ms'),
    number('high', 'to', 80, 'ms'),
    number('count', 'Samples', 76),
    text('where', 'Where', 200),
    date('at', 'Measured'),
    ...NOTES,
  ],
  spec: [
    text('hash', 'Hash', 110),
    text('name', 'Name', 150),
    text('stack', 'Stack', 260),
    ...SHAPE,
    metricField('params'),
    metricField('trainFlopsPerToken'),
    metricField('stateBytes'),
    date('at', 'Added'),
  ],
}

/** What a stack adds to its row. */
export function shapeValues(spec: ArchSpec | undefined): Record<string, CellValue> {
  if (spec === undefined) return { depth: null, width: null, mix: '' }
  const { depth, width } = shapeOf(spec)
  return { depth, width, mix: mixOf(spec) }
}

export const GROUPS = ['none', 'mix', 'depth', 'width', 'state', 'study', 'kind', 'phase', 'where'] as const
export type Group = (typeof GROUPS)[number]

/** The ways in which a table can be grouped: those whose column it has. */
export const groupsOf = (kind: Kind): readonly Group[] =>
  GROUPS.filter((group) => group === 'none' || FIELDS[kind].some(({ key }) => key === group))

/** The head under which a row stands. */
export function groupText(row: HistoryRow, group: Group): string {
  const value = row.values[group]
  if (value === null || value === undefined || value === '') return `no ${group === 'mix' ? 'stack' : group}`
  if (group === 'depth') return `${String(value)} blocks`
  return group === 'width' || group === 'study' ? `${group} ${String(value)}` : String(value)
}
