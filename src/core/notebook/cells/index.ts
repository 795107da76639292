// The kinds of cells in the order of the insert menu. Markdown is no kind: what stands outside of fences is prose.

import type { CellKind } from './cell.ts'
import { code } from './code.ts'
import { correlation } from './correlation.ts'
import { fit } from './fit.ts'
import { front } from './front.ts'
import { plot } from './plot.ts'
import { profile } from './profile.ts'
import { search } from './search.ts'
import { stack } from './stack.ts'
import { study } from './study.ts'
import { sweep } from './sweep.ts'
import { table } from './table.ts'
import { train } from './train.ts'

export type { CellKind, CellSource } from './cell.ts'

export const cellKinds = [
  stack,
  train,
  profile,
  search,
  front,
  sweep,
  fit,
  study,
  correlation,
  table,
  plot,
  code,
] as unknown as readonly CellKind[]

/** The kind of a cell, or undefined for one that this program does not know. */
export const cellKindOf = (kind: string): CellKind | undefined => cellKinds.find((one) => one.kind === kind)
