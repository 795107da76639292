// What cells do on the screen, by their kind. The kinds themselves are in core/notebook/cells.

import { code } from './code.ts'
import { correlation } from './correlation.ts'
import { fit } from './fit.ts'
import { front } from './front.ts'
import { profile } from './profile.ts'
import { search } from './search.ts'
import { stack } from './stack.ts'
import { study } from './study.ts'
import { sweep } from './sweep.ts'
import { table } from './table.ts'
import { train } from './train.ts'
import type { CellView } from './view.ts'

const views: Readonly<Record<string, CellView>> = {
  ...{ stack, train, profile, search, front, sweep, fit, study, correlation, table, code },
  plot: code,
}

/** The view of a kind. */
export const cellViewOf = (kind: string): CellView | undefined => (Object.hasOwn(views, kind) ? views[kind] : undefined)
