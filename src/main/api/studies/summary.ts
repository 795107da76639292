// What came out of a study, as the paper prints it: a table of rows and columns, means over seeds.

import { mean, standardDeviation } from '#core/stats/summary.ts'
import type { Project } from '#main/store/db.ts'
import { getSpec } from '#main/store/specs.ts'
import { getStudy } from '#main/store/studies.ts'
import type { StudyRow } from '#main/store/studies.ts'
import { listTrials } from '#main/store/trials.ts'
import type { TrialRow } from '#main/store/trials.ts'

/** One configuration with all its seeds. */
export interface StudyCell {
  readonly row: string
  readonly column: string
  readonly params: number | null
  /** Runs that ended well, one for each seed. */
  readonly runs: readonly number[]
  /** Runs that diverged. */
  readonly failed: number
  /** Mean over seeds of each final metric. */
  readonly means: Readonly<Record<string, number>>
  /** Standard deviation over seeds; NaN with one. */
  readonly deviations: Readonly<Record<string, number>>
}

export interface StudySummary {
  readonly study: StudyRow
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly cells: readonly StudyCell[]
  /** All runs that ended well. */
  readonly runs: readonly number[]
}

const METRICS = ['perplexity', 'bitsPerByte', 'valLoss', 'accuracy', 'weightNorm', 'tokensPerSecond'] as const

/** The table of a study that `runStudy` made; undefined for other studies. Throws `usage` if there is none with this number. */
export function summariseStudy(project: Project, id: number): StudySummary | undefined {
  const study = getStudy(project, id)
  const places = study.config['runs']
  if (!Array.isArray(places)) return undefined
  const trials = listTrials(project, id)
  const placed = trials.map((trial) => ({
    trial,
    place: places[trial.number] as { readonly row: string; readonly column: string },
  }))
  const cells = [...Map.groupBy(placed, ({ place }) => JSON.stringify([place.row, place.column])).values()].map(
    (group) =>
      cellOf(
        project,
        group[0]!.place,
        group.map(({ trial }) => trial),
      ),
  )
  const distinct = (name: 'row' | 'column'): string[] => [
    ...new Set((places as { row: string; column: string }[]).map((place) => place[name])),
  ]
  return { study, rows: distinct('row'), columns: distinct('column'), cells, runs: cells.flatMap((cell) => cell.runs) }
}

function cellOf(
  project: Project,
  { row, column }: { readonly row: string; readonly column: string },
  trials: readonly TrialRow[],
): StudyCell {
  const done = trials.filter((trial) => trial.state === 'done')
  const valuesOf = (metric: string): number[] =>
    done.map((trial) => trial.metrics?.[metric]).filter((value) => typeof value === 'number')
  const known = METRICS.map((metric) => [metric, valuesOf(metric)] as const).filter(([, values]) => values.length > 0)
  return {
    row,
    column,
    params: getSpec(project, trials[0]!.spec)?.counts['params'] ?? null,
    runs: valuesOf('run'),
    failed: trials.filter((trial) => trial.state === 'failed').length,
    means: Object.fromEntries(known.map(([metric, values]) => [metric, mean(values)])),
    deviations: Object.fromEntries(known.map(([metric, values]) => [metric, standardDeviation(values)])),
  }
}

/** Header and rows: for each column perplexity and, where bytes are known, bits per byte. */
export function studyTable({ rows, columns, cells }: StudySummary): {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
} {
  const text = (cell: StudyCell | undefined): string => {
    if (cell === undefined) return ''
    const { means, deviations, failed } = cell
    if (means['perplexity'] === undefined) return failed > 0 ? 'diverged' : 'not run'
    const spread = Number.isFinite(deviations['perplexity']) ? ` ± ${deviations['perplexity']!.toFixed(2)}` : ''
    const bits = means['bitsPerByte'] === undefined ? '' : ` / ${means['bitsPerByte'].toFixed(3)}`
    return `${means['perplexity'].toFixed(2)}${spread}${bits}${failed > 0 ? ` (${failed} diverged)` : ''}`
  }
  const at = (row: string, column: string): StudyCell | undefined =>
    cells.find((cell) => cell.row === row && cell.column === column)
  const params = (row: string): string => {
    const counts = cells
      .filter((cell) => cell.row === row)
      .flatMap(({ params }) => (params === null ? [] : [params / 1e6]))
    const low = Math.min(...counts).toFixed(2),
      high = Math.max(...counts).toFixed(2)
    return counts.length === 0 ? '' : low === high ? low : `${low}-${high}`
  }
  return {
    header: ['', 'parameters, M', ...columns],
    rows: rows.map((row) => [row, params(row), ...columns.map((column) => text(at(row, column)))]),
  }
}
