// The parent's end of the runner process: starts it when there is work, hands it one job at a time, and ends it when a job
// must stop. onnxruntime-node blocks its thread and can take its process along, so that only a process of its own can be
// cancelled for certain and survived.

import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HeddleError } from '#core/errors.ts'
import { checkPlain, isJobKind, parseReply, type Request } from './process/message.ts'
import { outputTail, type OutputTail } from './process/output-tail.ts'

export interface RunnerOptions {
  /** The program to fork: `runner.ts` beside this folder, or a bundle of it. */
  readonly script?: string | undefined
  /** Absolute path of a module whose `jobs` replace the built-in ones. */
  readonly jobs?: string | undefined
  /** Options for Node itself, such as `--max-old-space-size=4096`. */
  readonly nodeOptions?: readonly string[] | undefined
}

export interface SubmitOptions {
  /** Called at most ten times per second; the last report always arrives before the result. */
  readonly onProgress?: ((value: unknown) => void) | undefined
  /** Called for every event of the job, in order; none is left out, and all come before the result. What it throws ends the job. */
  readonly onEvent?: ((value: unknown) => void) | undefined
  /** Cancels the job: it gets half a second to end by itself, then its process is killed. */
  readonly signal?: AbortSignal | undefined
}

export interface Runner {
  /**
   * Queues a job and gives its result.
   * Rejects with the HeddleError of the job, `job-cancelled`, `job-crashed` (the process ended; the hint holds its last
   * output), or `param-invalid` for a payload that is not plain data or too large.
   */
  submit<Result = unknown>(kind: string, payload: unknown, options?: SubmitOptions): Promise<Result>
  /** Cancels everything and ends the process, at once if it is busy. A later job starts a new one. */
  close(): Promise<void>
  /** The process id while there is a process. */
  readonly pid: number | undefined
  /** The last lines that the current or last process wrote, and complaints about its messages. */
  output(): readonly string[]
}

const GRACE_MS = 500
const LAST_OUTPUT_MS = 200
const KILL_TIMEOUT_MS = 1000

interface Pending {
  readonly id: number
  readonly kind: string
  readonly payload: unknown
  readonly onProgress: ((value: unknown) => void) | undefined
  readonly onEvent: ((value: unknown) => void) | undefined
  settle(outcome: { readonly value: unknown } | { readonly error: unknown }): void
  isCancelled: boolean
  /** What a listener threw: the job ends by it. */
  failure?: { readonly error: unknown }
  graceTimer?: NodeJS.Timeout
}

interface Child {
  readonly process: ChildProcess
  readonly tail: OutputTail
  /** Resolves when the process has ended and its output was read. */
  readonly ended: Promise<string>
}

const living = new Set<ChildProcess>()
let isExitWatched = false

/** A runner; its process starts with the first job. */
export function startRunner(options: RunnerOptions = {}): Runner {
  const queue: Pending[] = []
  let active: Pending | undefined
  let child: Child | undefined
  let lastTail: OutputTail | undefined
  let nextId = 1

  const finish = (job: Pending, outcome: Parameters<Pending['settle']>[0]): void => {
    clearTimeout(job.graceTimer)
    if (active === job) active = undefined
    job.settle(job.failure ?? (job.isCancelled ? { error: cancelled(job.kind) } : outcome))
    if (child && !active) setReferenced(child.process, false)
    startNext()
  }

  const startNext = (): void => {
    if (active || queue.length === 0) return
    const job = (active = queue.shift()!)
    child ??= start()
    setReferenced(child.process, true)
    send(child, { type: 'run', id: job.id, kind: job.kind, payload: job.payload })
  }

  const start = (): Child => {
    const started = startChild(options, (raw) => receive(started, raw))
    lastTail = started.tail
    void started.ended.then((how) => {
      if (child !== started) return
      child = undefined
      if (!active) return
      const lines = started.tail.lines()
      const error = new HeddleError(
        'job-crashed',
        `the runner process ended ${how} while it worked on ${active.kind}`,
        {
          hint: lines.length > 0 ? `its last output was: ${lines.join('\n')}` : 'it wrote nothing before it ended',
        },
      )
      finish(active, { error })
    })
    return started
  }

  const receive = (from: Child, raw: unknown): void => {
    const reply = parseReply(raw)
    if (typeof reply === 'string') {
      from.tail.note(`ignored a message of the runner: ${reply}`)
      const { id, type } = (typeof raw === 'object' && raw !== null ? raw : {}) as { id?: unknown; type?: unknown }
      // a bad answer is an answer: the job would wait for ever
      if (active && active.id === id && type !== 'progress' && type !== 'event') {
        finish(active, {
          error: new HeddleError('target-failed', `${active.kind} gave an answer that is not valid: ${reply}`),
        })
      }
      return
    }
    if (!active || active.id !== reply.id) return
    if (reply.type === 'progress') {
      if (!active.isCancelled) hear(active, active.onProgress, reply.value)
    } else if (reply.type === 'event') {
      if (active.failure === undefined) hear(active, active.onEvent, reply.value)
    } else if (reply.type === 'result') {
      finish(active, { value: reply.value })
    } else {
      const { code, message, path, hint } = reply.error
      // a process whose device is lost can do no more with it
      if (code === 'device-lost') retire(from)
      finish(active, { error: new HeddleError(code, message, { path, hint }) })
    }
  }

  const retire = (from: Child): void => {
    if (child === from) child = undefined
    from.process.kill('SIGKILL')
  }

  /** Work whose points cannot be kept is not gone on with, and the error is its own: not one of this process. */
  const hear = (job: Pending, listener: ((value: unknown) => void) | undefined, value: unknown): void => {
    try {
      listener?.(value)
    } catch (error) {
      job.failure = { error }
      cancel(job)
    }
  }

  const cancel = (job: Pending): void => {
    job.isCancelled = true
    const position = queue.indexOf(job)
    if (position >= 0) {
      queue.splice(position, 1)
      finish(job, { error: cancelled(job.kind) })
    } else if (active === job && child) {
      send(child, { type: 'cancel', id: job.id })
      const target = child
      job.graceTimer = setTimeout(() => {
        target.process.kill('SIGKILL')
        // a process stuck in the kernel may not end for long: then it is left behind
        job.graceTimer = setTimeout(() => {
          if (child === target) child = undefined
          finish(job, { error: cancelled(job.kind) })
        }, KILL_TIMEOUT_MS)
      }, GRACE_MS)
    }
  }

  return {
    submit: <Result>(kind: string, payload: unknown, { onProgress, onEvent, signal }: SubmitOptions = {}) =>
      new Promise<Result>((resolve, reject) => {
        if (!isJobKind(kind)) throw new HeddleError('usage', `${JSON.stringify(kind)} cannot be the name of a job`)
        checkPlain(payload, `the payload of ${kind}`)
        if (signal?.aborted) throw cancelled(kind)
        const onAbort = (): void => cancel(job)
        const job: Pending = {
          id: nextId++,
          kind,
          payload,
          onProgress,
          onEvent,
          isCancelled: false,
          settle(outcome) {
            signal?.removeEventListener('abort', onAbort)
            if ('error' in outcome) reject(outcome.error)
            else resolve(outcome.value as Result)
          },
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        queue.push(job)
        startNext()
      }),
    async close() {
      for (const job of [...queue]) cancel(job)
      if (!child) return
      const { process: running, ended } = child
      // who waits for its end must not end before
      setReferenced(running, true)
      if (active) {
        active.isCancelled = true
        running.kill('SIGKILL')
      } else if (running.connected) {
        running.disconnect()
      }
      const timer = setTimeout(() => running.kill('SIGKILL'), GRACE_MS)
      await ended
      clearTimeout(timer)
    },
    get pid() {
      return child?.process.pid
    },
    output: () => lastTail?.lines() ?? [],
  }
}

function startChild(options: RunnerOptions, receive: (raw: unknown) => void): Child {
  // the built program has the same files in JavaScript
  const own = new URL(`../runner${extname(import.meta.filename)}`, import.meta.url)
  const script = options.script ?? fileURLToPath(own)
  const started = fork(script, options.jobs === undefined ? [] : ['--jobs', options.jobs], {
    execArgv: [...(options.nodeOptions ?? [])],
    // typed arrays cross without becoming text
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      // compilers of CUDA kernels run side by side in the pool
      UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism())),
      ...process.env,
      ...(process.versions['electron'] !== undefined && { ELECTRON_RUN_AS_NODE: '1' }),
    },
  })
  const tail = outputTail()
  started.stdout?.on('data', (chunk: Buffer) => tail.write(chunk))
  started.stderr?.on('data', (chunk: Buffer) => tail.write(chunk))
  started.on('message', receive)
  watchExit(started)
  const ended = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      living.delete(started)
      resolve(how)
    }
    started.on('error', (error) => {
      tail.note(error.message)
      if (started.pid === undefined) end('before it began')
    })
    started.on('exit', (code, signal) => {
      const how = signal ? `by signal ${signal}` : `with exit code ${code}`
      // its last words are read by then, unless a process of its own holds the pipe open
      const timer = setTimeout(end, LAST_OUTPUT_MS, how)
      started.on('close', () => {
        clearTimeout(timer)
        end(how)
      })
    })
  })
  return { process: started, tail, ended }
}

function send(child: Child, request: Request): void {
  if (!child.process.connected) return
  child.process.send(request, (error) => {
    if (error) child.tail.note(error.message)
  })
}

/** An idle process does not keep its parent from ending. */
function setReferenced(child: ChildProcess, isReferenced: boolean): void {
  const call = isReferenced ? 'ref' : 'unref'
  child[call]()
  for (const handle of [child.channel, child.stdout, child.stderr])
    (handle as { ref?(): void; unref?(): void } | null)?.[call]?.()
}

function watchExit(child: ChildProcess): void {
  living.add(child)
  if (isExitWatched) return
  isExitWatched = true
  process.on('exit', () => {
    for (const one of living) one.kill('SIGKILL')
  })
}

function cancelled(kind: string): HeddleError {
  return new HeddleError('job-cancelled', `${kind} was cancelled`)
}
