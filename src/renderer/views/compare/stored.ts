// Correlations that were stored, put together again as the panels that they were stored from.

import type { Api } from '#main/api/workbench/index.ts'

type Row = Awaited<ReturnType<Api['trust']['correlations']>>[number]
export type Panel = Awaited<ReturnType<Api['trust']['judge']>>['panels'][number]['panel']
export type Target = Panel['targets'][number]

/** What was stored at one time. */
export interface StoredReport {
  /** Of the address. */
  readonly key: string
  readonly at: number
  readonly name: string
  readonly study: number | null
  /** The short metric and the final one, with the steps of the long runs. */
  readonly metric: string
  readonly final: string
  readonly stacks: number
  /** Numbers of the judged runs; empty in rows of earlier versions. */
  readonly runs: readonly number[]
  readonly topK: number
  readonly threshold: number
  readonly ceiling: number | undefined
  readonly targets: readonly Target[]
  readonly rows: readonly Row[]
}

const metricName = (text: string): string => text.split('@')[0] ?? text
const numberOr = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise)
const asInterval = (row: Row): Target['checkpoints'][number]['spearman'] => ({
  estimate: row.value ?? NaN,
  low: row.low ?? NaN,
  high: row.high ?? NaN,
  count: row.count,
  dropped: numberOr(row.details['dropped'], 0),
  statistic: row.method === 'kendall' ? 'kendall' : 'spearman',
})

/** Reports, the latest first. Rows that no report holds together stand alone. */
export function storedReports(rows: readonly Row[]): StoredReport[] {
  const groups = Map.groupBy(rows, (row) => `${String(row.details['report'] ?? `row ${row.id}`)} ${row.name}`)
  return [...groups.values()].map(reportOf).sort((a, b) => b.at - a.at || (a.key < b.key ? -1 : 1))
}

function reportOf(rows: readonly Row[]): StoredReport {
  const first = rows[0]!
  const checkpoint = rows.find((row) => row.details['kind'] === 'checkpoint') ?? first
  const ceiling = rows.find((row) => row.details['kind'] === 'ceiling')
  const runs = first.details['runs']
  const judged = rows.filter((row) => row !== ceiling)
  return {
    key: String(first.id),
    at: numberOr(first.details['report'], first.createdAt),
    name: first.name,
    study: first.study,
    metric: metricName(checkpoint.x),
    final: first.y,
    stacks: Math.max(...rows.map(({ count }) => count)),
    runs: Array.isArray(runs) ? runs.filter((run) => typeof run === 'number') : [],
    topK: numberOr(first.details['topK'], 1),
    threshold: numberOr(first.details['threshold'], 0.9),
    ceiling: ceiling?.value ?? undefined,
    targets: [...Map.groupBy(judged, (row) => row.y)].map(([target, own]) => targetOf(target, own)),
    rows,
  }
}

function targetOf(target: string, rows: readonly Row[]): Target {
  const pairs = [...Map.groupBy(rows, (row) => row.x).values()].flatMap((pair) => {
    const spearman = pair.find((row) => row.method === 'spearman') ?? pair[0]!
    const kendall = pair.find((row) => row.method === 'kendall') ?? spearman
    const { recall, regret, kind } = spearman.details
    const judgement = {
      spearman: asInterval(spearman),
      kendall: asInterval(kendall),
      recall: numberOr(recall, NaN),
      regret: numberOr(regret, NaN),
    }
    return [{ row: spearman, kind, judgement }]
  })
  const { settledStep, shownStep } = rows[0]!.details
  return {
    target,
    checkpoints: pairs
      .filter(({ row }) => row.step !== null)
      .map(({ row, judgement }) => ({ ...judgement, step: row.step! }))
      .sort((a, b) => a.step - b.step),
    settledStep: typeof settledStep === 'number' ? settledStep : undefined,
    shownStep: typeof shownStep === 'number' ? shownStep : undefined,
    baselines: pairs
      .filter(({ row }) => row.step === null)
      .map(({ row, judgement }) => ({ ...judgement, name: row.x })),
  }
}
