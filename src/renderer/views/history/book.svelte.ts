// The rows of the history: read when their table is looked at, and again when the project changes.

import type { Api } from '#main/api/workbench/index.ts'
import { client } from '../../client.ts'
import { live } from '../../state/live.svelte.ts'
import { project } from '../../state/project.svelte.ts'
import { runs } from '../../state/runs.svelte.ts'
import { patternOf, runTitle, specOfRun } from '../../state/spec-of-run.ts'
import { stacks } from '../../state/stacks.svelte.ts'
import { studies } from '../../state/studies.svelte.ts'
import { metricOf } from '#core/metrics.ts'
import { metricField, shapeValues, type Field, type HistoryRow, type Kind, type Place } from './rows.ts'

type Annotation = Awaited<ReturnType<Api['annotations']['list']>>[number]
type TrialRow = Awaited<ReturnType<Api['studies']['rows']>>[number]
type Measurement = Awaited<ReturnType<Api['profile']['measurements']>>[number]
type SpecRow = Awaited<ReturnType<Api['stacks']['rows']>>[number]

const FINALS = ['bitsPerByte', 'valLoss', 'accuracy']
const MOST_TRIALS = 5000

export class Book {
  annotations = $state.raw<readonly Annotation[]>([])
  finals = $state.raw<ReadonlyMap<string, ReadonlyMap<number, number>>>(new Map())
  trials = $state.raw<readonly TrialRow[]>([])
  measurements = $state.raw<readonly Measurement[]>([])
  specs = $state.raw<readonly SpecRow[]>([])
  isReading = $state(false)

  readonly #notes = $derived(new Map(this.annotations.map((one) => [`${one.subject} ${one.subjectId}`, one])))

  noteOf(kind: Kind, id: number | undefined): Annotation | undefined {
    return this.#notes.get(`${kind} ${id}`)
  }

  /** Reads what a table needs besides what the states hold. */
  async need(kind: Kind): Promise<void> {
    this.isReading = true
    try {
      this.annotations = await client.annotations.list()
      if (kind === 'run') await this.#readFinals()
      else if (kind === 'trial') await this.#readTrials()
      else if (kind === 'measurement') {
        const rows = await client.profile.measurements()
        await stacks.need(rows.map((row) => row.spec))
        this.measurements = rows
      } else if (kind === 'spec') {
        const rows = await client.stacks.rows()
        await stacks.need(rows.map((row) => row.hash))
        this.specs = rows
      }
    } finally {
      this.isReading = false
    }
  }

  async #readFinals(): Promise<void> {
    const found = await client.training.finals({ metrics: FINALS })
    this.finals = new Map(
      found.map(({ metric, runs: ids, values }) => [metric, new Map(ids.map((id, i) => [id, values[i]!]))]),
    )
  }

  async #readTrials(): Promise<void> {
    const all: TrialRow[] = []
    for (const study of studies.list)
      for (let offset = 0; ; offset += MOST_TRIALS) {
        const rows = await client.studies.rows({ study: study.id, offset, limit: MOST_TRIALS })
        all.push(...rows)
        if (rows.length < MOST_TRIALS) break
      }
    await stacks.need(all.map((row) => row.spec))
    this.trials = all
  }

  /** What changes the rows of a table; read in an effect. */
  versionOf(kind: Kind): unknown {
    const { annotations, studies: changed, measurements } = live.versions
    const ended = kind === 'run' || kind === 'spec' ? runs.list.filter((run) => run.state !== 'running').length : 0
    return [
      annotations,
      kind === 'trial' ? [changed, studies.list.length] : 0,
      kind === 'measurement' ? measurements : 0,
      ended,
    ]
  }

  /** Columns of metrics that some row of the table has. */
  metricFields(kind: Kind): readonly Field[] {
    if (kind === 'run') return FINALS.filter((metric) => (this.finals.get(metric)?.size ?? 0) > 0).map(metricField)
    if (kind !== 'trial') return []
    const names = new Set(this.trials.flatMap((row) => Object.keys(row.metrics ?? {})))
    return [...names].filter((name) => metricOf(name) !== undefined).map(metricField)
  }

  rows(kind: Kind): HistoryRow[] {
    if (kind === 'run') return runs.list.map((run) => this.#runRow(run))
    if (kind === 'study') return studies.list.map((study) => this.#studyRow(study))
    if (kind === 'trial') {
      const runOf = new Map(runs.list.flatMap((run) => (run.trial === null ? [] : [[run.trial, run.id] as const])))
      const numbers = new Map(this.trials.map((row) => [row.id, row.number]))
      return this.trials.map((row) => trialRow(row, runOf.get(row.id), numbers))
    }
    if (kind === 'measurement') return this.measurements.map((row) => this.#measurementRow(row))
    return this.specs.map(specRow)
  }

  #noteValues(kind: Kind, id: number): { readonly tags: string; readonly note: string } {
    const known = this.noteOf(kind, id)
    return { tags: (known?.tags ?? []).map(String).join(', '), note: known?.note ?? '' }
  }

  #runRow(run: (typeof runs.list)[number]): HistoryRow {
    const spec = specOfRun(run)
    const settings = run.config['run'] as Readonly<Record<string, unknown>> | undefined
    const finals = FINALS.map((metric) => [metric, this.finals.get(metric)?.get(run.id)])
    return {
      key: String(run.id),
      id: run.id,
      title: runTitle(run),
      spec,
      error: run.error,
      place: { view: 'train', query: { runs: run.id } },
      values: {
        id: run.id,
        name: runTitle(run),
        state: run.state,
        stack: spec === undefined ? 'cannot be read' : patternOf(spec),
        ...shapeValues(spec),
        steps: typeof settings?.['steps'] === 'number' ? settings['steps'] : null,
        seed: run.seed,
        study: run.study,
        at: run.startedAt,
        where: project.placeOf(run.environment),
        ...Object.fromEntries(finals),
        ...this.#noteValues('run', run.id),
      },
    }
  }

  #studyRow(study: (typeof studies.list)[number]): HistoryRow {
    const { id, name, kind, state, searcher, trials, seed } = study
    return {
      key: String(id),
      id,
      title: name,
      spec: undefined,
      error: study.error,
      place: placeOfStudy(kind, id),
      values: { id, name, kind, state, searcher, trials, seed, at: study.updatedAt, ...this.#noteValues('study', id) },
    }
  }

  #measurementRow(row: Measurement): HistoryRow {
    const stack = stacks.byHash.get(row.spec)
    return {
      key: String(row.id),
      id: row.id,
      title: `${stacks.title(row.spec)}, ${row.phase}`,
      spec: stack?.spec,
      error: null,
      place: { view: 'profile', query: { measurement: row.id } },
      values: {
        id: row.id,
        name: stack?.name ?? '',
        phase: row.phase,
        stack: stack?.pattern ?? 'cannot be read',
        ...shapeValues(stack?.spec),
        context: row.context,
        batch: row.batch,
        dtype: row.dtype,
        p50: row.p50Ms,
        low: row.lowMs,
        high: row.highMs,
        count: row.count,
        where: project.placeOf(row.environment),
        at: row.createdAt,
        ...this.#noteValues('measurement', row.id),
      },
    }
  }
}

/** Where a study is looked at. */
function placeOfStudy(kind: string, id: number): Place {
  if (kind === 'search') return { view: 'search', query: { study: id } }
  if (kind === 'sweep') return { view: 'profile', query: { tab: 'depth' } }
  return { view: 'compare', query: { tab: 'studies', study: id } }
}

function trialRow(row: TrialRow, run: number | undefined, numbers: ReadonlyMap<number, number>): HistoryRow {
  const stack = stacks.byHash.get(row.spec)
  const study = studies.get(row.study)
  const inSearch: Place = { view: 'search', query: { study: row.study, trial: row.number } }
  return {
    key: String(row.id),
    id: row.id,
    title: `Trial ${row.number} of ${study?.name ?? `study ${row.study}`}`,
    spec: stack?.spec,
    error: row.error,
    place:
      study?.kind === 'search'
        ? inSearch
        : run === undefined
          ? placeOfStudy(study?.kind ?? '', row.study)
          : { view: 'train', query: { runs: run } },
    values: {
      number: row.number,
      study: row.study,
      state: row.state,
      stack: stack?.pattern ?? 'cannot be read',
      ...shapeValues(stack?.spec),
      change: row.change ?? '',
      parent: row.parent === null ? null : (numbers.get(row.parent) ?? null),
      at: row.changedAt,
      ...row.metrics,
    },
  }
}

function specRow(row: SpecRow): HistoryRow {
  const stack = stacks.byHash.get(row.hash)
  return {
    key: row.hash,
    id: undefined,
    title: stacks.title(row.hash),
    spec: stack?.spec,
    error: null,
    place: { view: 'design', query: { stack: row.hash } },
    values: {
      hash: row.hash.slice(0, 12),
      name: row.name,
      stack: stack?.pattern ?? row.text,
      ...shapeValues(stack?.spec),
      params: row.counts['params'] ?? null,
      trainFlopsPerToken: row.counts['trainFlopsPerToken'] ?? null,
      stateBytes: row.counts['stateBytes'] ?? null,
      at: row.createdAt,
    },
  }
}
