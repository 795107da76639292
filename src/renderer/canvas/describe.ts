// Rows in words, for those who hear the canvas.

import type { ErrorRecord } from '#core/errors.ts'
import { formatWithUnit } from '../ui/format.ts'
import type { Row } from './layout.ts'
import type { ItemNumbers } from './numbers/items.ts'
import { unrolledCount } from './tree/path.ts'

/** What a row says behind its title: `block 3 of 8, disabled`; of a group `repeated 3 times`. */
export function describeRow(row: Row, blockCount: number, fault: ErrorRecord | undefined): string {
  if (row.kind === 'group') return `repeated ${row.item.repeat} time${row.item.repeat === 1 ? '' : 's'}`
  return [
    `block ${row.ordinal} of ${blockCount}`,
    row.item.disabled === true && 'disabled',
    fault !== undefined && `error: ${fault.message}`,
  ]
    .filter(Boolean)
    .join(', ')
}

/** How many blocks a group stands for with its repeats: `6 blocks`. */
export function blocksOf(row: Row): string {
  const count = unrolledCount([row.item])
  return `${count} block${count === 1 ? '' : 's'}`
}

/** The numbers of a row: `67.5 k parameters, 233 kFLOP per token, 34.3 KiB of state, 0.4 ms predicted`. */
export function describeNumbers(numbers: ItemNumbers | undefined): string | undefined {
  if (numbers === undefined) return undefined
  return [
    `${formatWithUnit(numbers.params)} parameters`,
    `${formatWithUnit(numbers.flopsPerToken, 'FLOP')} per token`,
    `${formatWithUnit(numbers.stateBytes, 'B')} of state`,
    ...(numbers.ms === undefined ? [] : [`${formatWithUnit(numbers.ms, 'ms')} predicted`]),
  ].join(', ')
}
