// What a cell does on the screen: how it runs, what it shows, and the rows that code takes from it. The pure side of each
// kind (its text, its inputs) is in core/notebook/cells.

import type { ArchSpec } from '#core/model/spec.ts'
import type { Scene } from '#core/plots/scene.ts'
import type { Theme } from '#core/plots/theme.ts'
import type { JobRow } from '#main/api/workbench/jobs.ts'

export type CellResult = Readonly<Record<string, unknown>>

/** A figure that the app itself draws. */
export interface Figure {
  readonly name: string
  readonly height: number
  readonly scene: (width: number, height: number, theme: Theme) => Scene
  readonly csv?: (() => string) | undefined
  /** Above the figure, where several would look alike. */
  readonly caption?: string | undefined
}

export type TableValue = string | number | null
export interface OutputTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly TableValue[])[]
  readonly isCut: boolean
}

/** Markup that code made: shown in a frame without scripts, never in the app's own page. */
export interface Drawing {
  readonly kind: 'svg' | 'html'
  readonly markup: string
  readonly width: number
  readonly height: number
  /** The rows that it shows, where they are known. */
  readonly data?: OutputTable | undefined
  /** The markup of the same drawing at another size; undefined where the code may not run. */
  readonly redraw?: ((width: number, height: number) => Promise<string>) | undefined
}

export interface Output {
  readonly figures: readonly Figure[]
  readonly tables: readonly OutputTable[]
  readonly drawings: readonly Drawing[]
  readonly lines: readonly string[]
}

export const NOTHING: Output = { figures: [], tables: [], drawings: [], lines: [] }

/** A cell that another one takes from. */
export interface Input {
  readonly id: string
  readonly kind: string
  readonly content: unknown
  readonly result: CellResult | undefined
}

export interface CellContext {
  /** The id of the cell itself. */
  readonly id: string
  /** Whether its code may run again to draw what it shows: it is trusted, and what is shown is up to date. */
  readonly mayRedraw: boolean
  /** Inputs by id. */
  input(id: string): Input
  /** The architecture of a stack cell. Throws where it is none. */
  spec(id: string): ArchSpec
  /** Rows of an input, as code gets them. */
  rows(id: string): Promise<unknown>
}

export interface RunContext extends CellContext {
  readonly signal: AbortSignal
  /** Shows how a job gets on, and what it works on, until it ends. Throws what it failed with. */
  follow(job: JobRow, onSubject?: (job: JobRow) => void): Promise<JobRow>
  /**
   * Does something once for this run, also where the page is loaded again in between: what it gave is kept until the run ends.
   * Keys of jobs begin with `job`.
   */
  once<T>(key: string, work: () => Promise<T>): Promise<T>
  /** What there is of the result so far. */
  show(result: CellResult): void
}

export interface CellView {
  /** Of kinds that have a result. */
  readonly run?: (content: never, context: RunContext) => Promise<CellResult>
  readonly output: (content: never, result: CellResult | undefined, context: CellContext) => Promise<Output>
  /** Rows for code cells; plain data. */
  readonly rows?: (content: never, result: CellResult | undefined, context: CellContext) => Promise<unknown>
  /** The TypeScript type of the rows. */
  readonly type?: string
}

/** A view with the types of its content and result checked inside only: both come from the kind's own reader and run. */
export const cellView = <C, R = CellResult>(view: {
  readonly run?: (content: C, context: RunContext) => Promise<R & CellResult>
  readonly output: (content: C, result: R | undefined, context: CellContext) => Promise<Output>
  readonly rows?: (content: C, result: R | undefined, context: CellContext) => Promise<unknown>
  readonly type?: string
}): CellView => view as CellView

/** Numbers that a stored result holds under a name; a project from elsewhere may hold anything. */
export const numbersOf = (result: unknown, name: string): number[] => {
  const value = (result as Readonly<Record<string, unknown>> | undefined)?.[name]
  return (Array.isArray(value) ? value : [value]).filter(
    (n): n is number => Number.isSafeInteger(n) && (n as number) > 0,
  )
}
