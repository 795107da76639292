// Rows in words, for those who hear the canvas.

import { blockOf } from '#core/blocks/index.ts'
import type { ErrorRecord } from '#core/errors.ts'
import type { Row } from './layout.ts'
import { unrolledCount } from './tree/path.ts'

/** `attention, block 3 of 8`; `early, group of 2 blocks, repeated 3 times`. */
export function describeRow(row: Row, blockCount: number, fault: ErrorRecord | undefined): string {
  if (row.kind === 'block') {
    const title = blockOf(row.item.kind, 'kind').title.toLowerCase()
    return [
      `${title}, block ${row.ordinal} of ${blockCount}`,
      row.item.disabled === true && 'disabled',
      fault !== undefined && `error: ${fault.message}`,
    ]
      .filter(Boolean)
      .join(', ')
  }
  const { label, repeat, blocks } = row.item
  const inside = unrolledCount(blocks, true)
  const name = `${label === undefined ? '' : `${label}, `}group of ${inside} block${inside === 1 ? '' : 's'}`
  return `${name}, repeated ${repeat} time${repeat === 1 ? '' : 's'}`
}
