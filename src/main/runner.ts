// Entry of the runner process, "the workshop": takes one job after the other from its parent, streams progress, answers.
// The parent is the only one who starts it (see runtime/link.ts); an argument `--jobs <module>` replaces the list of jobs.

import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorRecord, HeddleError } from '#core/errors.ts'
import { coalesce } from '#main/runtime/process/coalesce.ts'
import type { Job } from '#main/runtime/jobs.ts'
import { checkPlain, parseRequest, type Reply } from '#main/runtime/process/message.ts'
import { endWithParent } from '#main/runtime/process/parent-watch.ts'

const PROGRESS_INTERVAL_MS = 100

if (!process.send) {
  process.stderr.write('this program is a part of heddle and only works when heddle starts it\n')
  process.exit(2)
}

// the parent decides when a job ends, also when Ctrl-C reaches the whole process group
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
endWithParent()

const jobs = await loadJobs(process.argv.slice(2))
let active: { readonly id: number; readonly controller: AbortController } | undefined

process.on('message', (raw) => {
  const request = parseRequest(raw)
  if (typeof request === 'string') process.stderr.write(`runner: ignored a message: ${request}\n`)
  else if (request.type === 'run') void run(request.id, request.kind, request.payload)
  else if (active?.id === request.id) active.controller.abort()
})

async function run(id: number, kind: string, payload: unknown): Promise<void> {
  const controller = new AbortController()
  const progress = coalesce((value: unknown) => reply({ type: 'progress', id, value }), PROGRESS_INTERVAL_MS)
  try {
    checkPlain(payload, `the payload of ${kind}`)
    if (active) throw new HeddleError('usage', `the runner is busy with job ${active.id}`)
    const job = Object.hasOwn(jobs, kind) ? jobs[kind] : undefined
    if (!job) throw new HeddleError('usage', `there is no job ${kind}, only ${Object.keys(jobs).join(', ')}`)
    active = { id, controller }
    const value = await job(payload, {
      progress(report) {
        checkPlain(report, `the progress of ${kind}`)
        progress.push(report)
      },
      emit(event) {
        checkPlain(event, `an event of ${kind}`)
        reply({ type: 'event', id, value: event })
      },
      signal: controller.signal,
    })
    checkPlain(value, `the result of ${kind}`)
    progress.flush()
    reply({ type: 'result', id, value })
  } catch (error) {
    progress.flush()
    if (!(error instanceof HeddleError))
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    reply({ type: 'error', id, error: errorRecord(error) })
  } finally {
    if (active?.id === id) active = undefined
  }
}

function reply(message: Reply): void {
  // a parent that is gone is noticed by its disconnect, not here
  if (process.connected) process.send!(message, () => {})
}

async function loadJobs(args: readonly string[]): Promise<Readonly<Record<string, Job>>> {
  // imported here, since the built-in jobs bring whole engines along
  if (args.length === 0) return (await import('#main/runtime/jobs.ts')).jobs
  const [flag, path] = args
  if (flag !== '--jobs' || args.length !== 2 || !isAbsolute(path!)) {
    throw new Error(`runner: expected nothing or --jobs with an absolute path, got ${args.join(' ')}`)
  }
  const module = (await import(/* @vite-ignore */ pathToFileURL(path!).href)) as { readonly jobs?: unknown }
  const given = module.jobs
  if (typeof given !== 'object' || given === null || Object.values(given).some((job) => typeof job !== 'function')) {
    throw new Error(`runner: ${path} exports no jobs`)
  }
  return given as Record<string, Job>
}
