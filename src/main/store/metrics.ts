// Points of training curves: millions of (step, value) pairs, written while a run goes on.
//
// A row of its own for each point would cost 30 bytes and a statement each, and reading a curve a step of SQLite for
// each point. So points are kept in chunks, as float64 steps followed by float64 values, at two levels. A flush, at
// least twice a second, appends what is new as a chunk of level 0: a kill loses what came after it. Once BLOCK points
// of a metric are there, one chunk of level 1 takes all of them, and readers pass over the small ones. Nothing is ever
// changed or deleted; a curve of n points is read in about n / BLOCK rows however slowly it came in, and a fast one
// goes to level 1 at once.

import { HeddleError } from '#core/errors.ts'
import type { Project } from './db.ts'
import { floats, integer, text, unpackFloats } from './file/columns.ts'
import { damaged } from './file/errors.ts'
import { insert, table } from './file/table.ts'
import { getRun } from './runs.ts'

/** Points in a chunk of level 1. */
const BLOCK = 4096
/** Points held in memory before a flush that does not wait for its time. */
const MOST_PENDING = 1 << 18

export const metricChunks = table(
  'metric_chunks',
  'Points of curves: `count` float64 steps, then their values. Append-only.',
  {
    id: integer(),
    run: integer(),
    metric: text(),
    /** 1 for full blocks, 0 for what a flush found; a block takes the place of the level 0 chunks before its end. */
    level: integer(0, 1),
    /** The place of the first point in its curve. */
    first: integer(),
    count: integer(1),
    points: floats,
  },
)

/** A curve at full resolution, in the order in which it was written. */
export interface Curve {
  readonly steps: Float64Array
  readonly values: Float64Array
}

/** Collects the points of one run and writes them. */
export interface MetricWriter {
  /** Adds one point; any value, NaN and infinities included. */
  append(metric: string, step: number, value: number): void
  /** Adds many points of one metric. */
  appendAll(metric: string, steps: ArrayLike<number>, values: ArrayLike<number>): void
  /** Writes what is not written yet. If that fails (a full disk), the points stay for the next flush. */
  flush(): void
  /** Flushes and ends. */
  close(): void
}

/** The end of a curve in memory: from the last full block on. */
interface Tail {
  steps: Float64Array
  values: Float64Array
  /** Place of the tail's first point in the curve, a multiple of BLOCK. */
  first: number
  length: number
  /** How many of them are written. */
  written: number
}

/**
 * Opens the only metric writer of a run; a resumed run goes on where its curves ended.
 * @throws HeddleError `usage` if the run does not exist, is not running, or has a writer.
 */
export function openMetrics(project: Project, run: number, options: { readonly flushMs?: number } = {}): MetricWriter {
  if (getRun(project, run).state !== 'running')
    throw new HeddleError('usage', `run ${run} is not running`, { path: 'run' })
  if (project.pending.has(run)) throw new HeddleError('usage', `run ${run} has an open metric writer`, { path: 'run' })
  const flushMs = options.flushMs ?? 500
  const tails = new Map<string, Tail>()
  let pending = 0
  let due = performance.now() + flushMs
  let failure: unknown
  let isOpen = true

  const tailOf = (metric: string): Tail => {
    const known = tails.get(metric)
    if (known !== undefined) return known
    if (metricChunks.columns.metric.encode(metric) === undefined)
      throw new HeddleError('usage', `${JSON.stringify(metric)} is not the name of a metric`, { path: 'metric' })
    const tail = readTail(project, run, metric)
    tails.set(metric, tail)
    return tail
  }
  const flush = (): void => {
    due = performance.now() + flushMs
    if (pending === 0) return
    const marks: [Tail, Mark][] = []
    project.sql.transaction(() => {
      for (const [metric, tail] of tails)
        if (tail.written < tail.length) marks.push([tail, writeTail(project, run, metric, tail)])
    })
    // only after the commit: a transaction that failed is written again
    for (const [tail, mark] of marks) advance(tail, mark)
    pending = 0
    failure = undefined
  }
  const flushInTime = (): void => {
    if (pending >= MOST_PENDING || performance.now() >= due) flush()
  }
  const timer = setInterval(() => {
    try {
      flush()
    } catch (error) {
      failure = error
    }
  }, flushMs)
  timer.unref()
  const stop = (): void => {
    clearInterval(timer)
    isOpen = false
  }
  const expectOpen = (): void => {
    if (!isOpen) throw new HeddleError('usage', `the metric writer of run ${run} is closed`, { path: 'run' })
    if (failure === undefined) return
    // what a flush in the background could not write is tried again here, where someone hears of it
    flush()
  }

  const writer: MetricWriter = {
    append: (metric, step, value) => {
      expectOpen()
      const tail = tailOf(metric)
      if (tail.length === tail.steps.length) grow(tail, tail.length + 1)
      tail.steps[tail.length] = step
      tail.values[tail.length++] = value
      // looking at the clock costs more than storing a point
      if ((++pending & 255) === 0) flushInTime()
    },
    appendAll: (metric, steps, values) => {
      expectOpen()
      if (steps.length !== values.length)
        throw new HeddleError('usage', `${metric}: ${steps.length} steps for ${values.length} values`, {
          path: 'values',
        })
      const tail = tailOf(metric)
      grow(tail, tail.length + steps.length)
      tail.steps.set(steps, tail.length)
      tail.values.set(values, tail.length)
      tail.length += steps.length
      pending += steps.length
      flushInTime()
    },
    flush: () => {
      if (isOpen) flush()
    },
    close: () => {
      if (!isOpen) return
      flush()
      stop()
      project.pending.delete(run)
    },
  }
  project.pending.set(run, { flush, stop })
  return writer
}

function grow(tail: Tail, length: number): void {
  if (length <= tail.steps.length) return
  const size = Math.max(64, 2 * tail.steps.length, length)
  for (const part of ['steps', 'values'] as const) {
    const larger = new Float64Array(size)
    larger.set(tail[part].subarray(0, tail.length))
    tail[part] = larger
  }
}

/** How far a tail was written: full blocks to drop, and points after them that are stored. */
interface Mark {
  readonly blocks: number
  readonly written: number
}

function writeTail(project: Project, run: number, metric: string, tail: Tail): Mark {
  const blocks = Math.floor(tail.length / BLOCK)
  for (let i = 0; i < blocks; i++) writeChunk(project, run, metric, 1, tail, i * BLOCK, (i + 1) * BLOCK)
  const from = Math.max(tail.written, blocks * BLOCK)
  if (from < tail.length) writeChunk(project, run, metric, 0, tail, from, tail.length)
  return { blocks, written: tail.length }
}

function writeChunk(
  project: Project,
  run: number,
  metric: string,
  level: number,
  tail: Tail,
  from: number,
  to: number,
): void {
  const count = to - from
  const points = new Float64Array(2 * count)
  points.set(tail.steps.subarray(from, to))
  points.set(tail.values.subarray(from, to), count)
  insert(project.sql, metricChunks, { run, metric, level, first: tail.first + from, count, points })
}

function advance(tail: Tail, { blocks, written }: Mark): void {
  const done = blocks * BLOCK
  tail.steps = tail.steps.subarray(done)
  tail.values = tail.values.subarray(done)
  tail.first += done
  tail.length -= done
  tail.written = written - done
}

function readTail(project: Project, run: number, metric: string): Tail {
  const { steps, values, first } = readPoints(project, run, metric, 'tail')
  return { steps, values, first, length: steps.length, written: steps.length }
}

/**
 * Reads a whole curve without sampling, with the points that an open writer of this project still holds. A run that
 * was resumed from a checkpoint has some steps twice; `latest` leaves the later ones.
 * @throws HeddleError `store-invalid` if points are missing.
 */
export function readCurve(
  project: Project,
  run: number,
  metric: string,
  options: { readonly latest?: boolean } = {},
): Curve {
  project.pending.get(run)?.flush()
  const { steps, values } = readPoints(project, run, metric, 'all')
  return options.latest === true ? latestOf({ steps, values }) : { steps, values }
}

// reads the blocks and the small chunks after them, or only these
function readPoints(
  project: Project,
  run: number,
  metric: string,
  part: 'all' | 'tail',
): Curve & { readonly first: number } {
  const query = 'SELECT first, count, points FROM metric_chunks WHERE run = ? AND metric = ?'
  const covered = Number(
    project.sql.get(
      'SELECT coalesce(max(first + count), 0) AS n FROM metric_chunks WHERE run = ? AND metric = ? AND level = 1',
      run,
      metric,
    )?.['n'],
  )
  const rows = [
    ...(part === 'all' ? project.sql.all(`${query} AND level = 1 ORDER BY first`, run, metric) : []),
    ...project.sql.all(`${query} AND level = 0 AND first >= ? ORDER BY first`, run, metric, covered),
  ]
  const first = part === 'tail' ? covered : 0
  const total = rows.reduce((sum, row) => sum + Number(row['count']), 0)
  const steps = new Float64Array(total)
  const values = new Float64Array(total)
  let at = 0
  for (const row of rows) {
    const count = Number(row['count'])
    const points = row['points'] instanceof Uint8Array ? unpackFloats(row['points']) : undefined
    if (row['first'] !== first + at || points?.length !== 2 * count)
      throw damaged(project.path, `points ${first + at} and on of ${metric} in run ${run} are missing`)
    steps.set(points.subarray(0, count), at)
    values.set(points.subarray(count), at)
    at += count
  }
  return { steps, values, first }
}

function latestOf({ steps, values }: Curve): Curve {
  const kept: number[] = []
  for (let i = 0; i < steps.length; i++) {
    while (kept.length > 0 && steps[kept.at(-1)!]! >= steps[i]!) kept.pop()
    kept.push(i)
  }
  return { steps: Float64Array.from(kept, (i) => steps[i]!), values: Float64Array.from(kept, (i) => values[i]!) }
}

/** The last stored value of a metric in every run that has it, by run: what a list of thousands of runs shows. */
export function lastValues(project: Project, metric: string): Map<number, number> {
  const rows = project.sql.all(
    `SELECT id AS run, (SELECT substr(points, -8) FROM metric_chunks WHERE run = runs.id AND metric = ?
      ORDER BY first + count DESC LIMIT 1) AS last FROM runs`,
    metric,
  )
  return new Map(
    rows.flatMap(({ run, last }) => {
      const value = last instanceof Uint8Array ? unpackFloats(last)?.[0] : undefined
      return value === undefined ? [] : [[Number(run), value] as const]
    }),
  )
}

/** The metrics of a run and how many points each has. */
export function listMetrics(project: Project, run: number): { readonly metric: string; readonly count: number }[] {
  project.pending.get(run)?.flush()
  return project.sql
    .all(
      'SELECT metric, max(first + count) AS count FROM metric_chunks WHERE run = ? GROUP BY metric ORDER BY metric',
      run,
    )
    .map((row) => ({ metric: String(row['metric']), count: Number(row['count']) }))
}
