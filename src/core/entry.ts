import type { ParamSchema } from './params.ts'

/**
 * What every registry entry has: ops, blocks, searchers, tasks, targets, optimisers, plots and cells are
 * an Entry plus the few functions that their kind needs.
 */
export interface Entry<S extends ParamSchema = ParamSchema> {
  /** Stable id, stored in files and rows. */
  readonly kind: string
  readonly title: string
  /** One paragraph: what it is, its formula, its reference. */
  readonly doc: string
  readonly params: S
}
