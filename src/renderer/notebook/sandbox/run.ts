// Runs code of a notebook in the closed frame and gives what it shows. The frame is made when it is first needed, and made
// anew when it does not answer.

import { HeddleError } from '#core/errors.ts'
import { lineOf, programOf } from './program.ts'
import type { Layout } from './program.ts'
import preludeAddress from './worker.ts?worker&url'

/** What code gave: pictures, tables, texts, and a value for other cells. */
export interface CodeResult {
  readonly shown: readonly unknown[]
  readonly value: unknown
}

interface Answer {
  readonly id: number
  readonly began?: true
  readonly text?: string
  readonly error?: 'time' | 'answer' | 'program'
  readonly message?: string
  readonly line?: number
}

const TIME_MS = 10_000
/** Until the frame says that it began: libraries are read first. */
const START_MS = 15_000
const LATE_MS = 3000
const LONGEST = 4_000_000

interface Frame {
  readonly element: HTMLIFrameElement
  readonly port: MessagePort
}

let frame: Promise<Frame> | undefined
let prelude: Promise<string> | undefined
let nextId = 1
let last: Promise<unknown> = Promise.resolve()

/**
 * Runs TypeScript with these inputs, its plots at a size of their own or at a given one; programs wait for each other.
 * @throws HeddleError `spec-syntax`, `job-cancelled`, or `usage` with what the code threw
 */
export function runCode(
  code: string,
  inputs: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  layout?: Layout,
): Promise<CodeResult> {
  const next = last.then(() => runNow(code, inputs, signal, layout))
  last = next.catch(() => undefined)
  return next
}

async function runNow(
  code: string,
  inputs: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  layout: Layout | undefined,
): Promise<CodeResult> {
  if (signal.aborted) throw cancelled()
  prelude ??= readPrelude()
  const { program, firstLine } = programOf(code, Object.keys(inputs), await prelude, layout)
  const answer = await send(program, inputs, signal)
  const lines = code.split('\n').length
  if (answer.error === 'time')
    throw new HeddleError('usage', `the code was stopped: it took longer than ${TIME_MS / 1000} s`, {
      hint: 'does a loop end?',
    })
  if (answer.error === 'program') {
    const line = (answer.line ?? 0) - firstLine + 1
    throw problem(answer.message ?? 'the code failed', line >= 1 && line <= lines ? line : undefined)
  }
  return resultOf(answer.text, firstLine, lines)
}

function resultOf(text: string | undefined, firstLine: number, lines: number): CodeResult {
  if (typeof text !== 'string' || text.length > LONGEST) throw problem('the code gave no answer that can be shown')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw problem('the code gave no answer that can be shown')
  }
  const found = (value ?? {}) as Readonly<Record<string, unknown>>
  const thrown = found['problem'] as { readonly message?: unknown; readonly stack?: unknown } | undefined
  if (thrown !== undefined && thrown !== null)
    throw problem(String(thrown.message).slice(0, 2000), lineOf(String(thrown.stack), firstLine, lines))
  return { shown: Array.isArray(found['shown']) ? found['shown'] : [], value: found['value'] ?? null }
}

const problem = (message: string, line?: number): HeddleError =>
  new HeddleError('usage', message, line === undefined ? {} : { path: `line ${line}` })
const cancelled = (): HeddleError => new HeddleError('job-cancelled', 'the code was stopped')

async function send(program: string, inputs: unknown, signal: AbortSignal): Promise<Answer> {
  const { port } = await (frame ??= openFrame())
  const id = nextId++
  return new Promise<Answer>((resolve, reject) => {
    let timer = setTimeout(lost, START_MS)
    function lost(): void {
      finish()
      closeFrame()
      reject(problem('the code used too much memory or time, and its frame was closed'))
    }
    function stop(): void {
      finish()
      closeFrame()
      reject(cancelled())
    }
    function hear({ data }: MessageEvent<Answer>): void {
      if (data.id !== id) return
      if (data.began === true) {
        clearTimeout(timer)
        timer = setTimeout(lost, TIME_MS + LATE_MS)
        return
      }
      finish()
      resolve(data)
    }
    function finish(): void {
      clearTimeout(timer)
      port.removeEventListener('message', hear)
      signal.removeEventListener('abort', stop)
    }
    port.addEventListener('message', hear)
    signal.addEventListener('abort', stop)
    port.postMessage({ id, program, inputs, ms: TIME_MS })
  })
}

function openFrame(): Promise<Frame> {
  const element = document.createElement('iframe')
  // no same origin: the frame is a stranger to this page
  element.setAttribute('sandbox', 'allow-scripts')
  element.title = 'Code of this notebook'
  element.hidden = true
  element.src = 'frame.html'
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(problem('the frame for code did not open')), START_MS)
    element.onload = () => {
      clearTimeout(timer)
      const { port1, port2 } = new MessageChannel()
      element.contentWindow!.postMessage('open', '*', [port2])
      port1.start()
      resolve({ element, port: port1 })
    }
    document.body.append(element)
  })
}

function closeFrame(): void {
  void frame?.then(({ element }) => element.remove())
  frame = undefined
}

async function readPrelude(): Promise<string> {
  const response = await fetch(preludeAddress)
  if (!response.ok) throw problem('the libraries of the code could not be read')
  return response.text()
}
