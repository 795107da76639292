// Evaluations: run in the runner process, written and read in the layout of lm-evaluation-harness, kept in a project as
// artifacts of the kind `lm-eval`.

import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { HeddleError } from '#core/errors.ts'
import type { EvalAnswer, EvalPayload } from '#main/runtime/eval/job.ts'
import { buildResults, parseResults, resultsFileName } from '#main/runtime/eval/results.ts'
import type { ImportedScore } from '#main/runtime/eval/results.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProgressEvent } from '#main/runtime/progress.ts'
import { parseProgressEvent } from '#main/runtime/progress.ts'
import { addArtifact, getBlob, listArtifacts, putBlob } from '#main/store/blobs.ts'
import type { Project } from '#main/store/db.ts'
import { getRun } from '#main/store/runs.ts'

/** Kind of the artifacts that hold results files. */
export const RESULTS_KIND = 'lm-eval'
const LARGEST_RESULTS = 256 * 2 ** 20

export interface EvalOutcome {
  readonly answer: EvalAnswer
  /** The results in the layout of the harness. */
  readonly results: Readonly<Record<string, unknown>>
  readonly fileName: string
}

export interface EvalHandlers {
  readonly onProgress?: (event: ProgressEvent) => void
  readonly signal?: AbortSignal
}

/** Evaluates a checkpoint in the runner process; keeps the results of a run when a project is given. */
export async function runEvaluation(
  runner: Runner,
  payload: EvalPayload,
  {
    project,
    run,
    heddleVersion,
  }: { readonly project?: Project | undefined; readonly run?: number | undefined; readonly heddleVersion: string },
  handlers: EvalHandlers = {},
): Promise<EvalOutcome> {
  if (project !== undefined && run !== undefined) getRun(project, run)
  const answer = await runner.submit<EvalAnswer>('evaluate', payload, {
    ...(handlers.signal !== undefined && { signal: handlers.signal }),
    onProgress: (value) => {
      const event = parseProgressEvent(value)
      if (event !== undefined) handlers.onProgress?.(event)
    },
  })
  const date = new Date()
  const results = buildResults({ payload, answer, date, heddleVersion })
  const fileName = resultsFileName(date)
  if (project !== undefined) keepResults(project, fileName, Buffer.from(JSON.stringify(results, null, 2)), run)
  return { answer, results, fileName }
}

function keepResults(project: Project, name: string, bytes: Uint8Array, run: number | undefined): number {
  return addArtifact(project, {
    kind: RESULTS_KIND,
    name: name.slice(0, 200),
    blob: putBlob(project, bytes),
    ...(run !== undefined && { run }),
  })
}

/**
 * Keeps a results file of lm-evaluation-harness in a project, as it is, after reading every score.
 * @param run the training run whose model it judges; none for a model from elsewhere
 * @throws HeddleError `file-missing`, `file-invalid`, or `usage` for an unknown run
 */
export function importResults(
  project: Project,
  path: string,
  run?: number,
): { readonly artifact: number; readonly scores: readonly ImportedScore[] } {
  if (run !== undefined) getRun(project, run)
  const bytes = readBounded(path)
  const scores = readScores(bytes, path)
  return { artifact: keepResults(project, basename(path), bytes, run), scores }
}

function readBounded(path: string): Buffer {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isFile())
    throw new HeddleError('file-missing', `there is no file ${path}`, { path })
  if (stats.size > LARGEST_RESULTS)
    throw new HeddleError('file-invalid', `${path} is larger than a results file can be (${stats.size} bytes)`, {
      path,
    })
  try {
    return readFileSync(path)
  } catch (error) {
    throw new HeddleError('file-missing', `${path} cannot be read: ${(error as Error).message}`, { path })
  }
}

function readScores(bytes: Buffer, path: string): ImportedScore[] {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new HeddleError('file-invalid', `${path} is not JSON: ${(error as Error).message.slice(0, 200)}`, { path })
  }
  return parseResults(json, path)
}

/** The scores that a project keeps of a run; of two of one task and metric, the later. */
export function scoresOfRun(project: Project, run: number): ImportedScore[] {
  const scores = listArtifacts(project, { kind: RESULTS_KIND, run }).flatMap(({ blob, name }) =>
    readScores(getBlob(project, blob), name),
  )
  return [...new Map(scores.map((score) => [`${score.task} ${score.metric}`, score])).values()]
}
