// What stands before the user's code in its worker: d3, Plot, a document to draw in, and the way back. The whole is one
// program, so that nothing is evaluated.

import * as d3 from 'd3'
import { Document } from './element.ts'
import { limitBuffers } from './limits.ts'
import { openPlot } from './plot.ts'
import type { Layout } from './program.ts'
import { shownOf } from './shown.ts'
import type { Shown } from './shown.ts'

type Inputs = Readonly<Record<string, unknown>>
type Program = (inputs: Inputs, display: (value: unknown) => void) => Promise<unknown>

const LONGEST_ANSWER = 3_500_000
const MOST_SHOWN = 50

const scope = globalThis as unknown as Record<string, unknown> & {
  onmessage: ((event: { readonly data: Inputs }) => void) | null
  postMessage(text: string): void
}
const post = scope.postMessage.bind(scope)
const document = new Document()
scope['document'] = document
scope['window'] = scope
scope['d3'] = d3

/** Called by the program with the user's code, once. */
scope['heddleRun'] = (program: Program, layout: Layout | null): void => {
  scope['Plot'] = openPlot(layout)
  limitBuffers(scope)
  scope.onmessage = ({ data }) => {
    scope.onmessage = null
    void run(program, data)
  }
}

async function run(program: Program, inputs: Inputs): Promise<void> {
  const shown: Shown[] = []
  const display = (value: unknown): void => {
    const one = shownOf(value)
    if (one !== undefined && shown.length < MOST_SHOWN) shown.push(one)
  }
  try {
    const value = await program(inputs, display)
    display(value)
    post(answerOf(shown, value))
  } catch (error) {
    post(JSON.stringify({ problem: problemOf(error) }))
  }
}

/** The answer as text; a value that is no plain data or too long is shown only. */
function answerOf(shown: readonly Shown[], value: unknown): string {
  const pictures = JSON.stringify(shown)
  if (pictures.length > LONGEST_ANSWER)
    return JSON.stringify({
      problem: { message: `what is shown has ${pictures.length} characters; at most ${LONGEST_ANSWER} are kept` },
    })
  const isDrawn = shown.at(-1)?.type === 'svg' || shown.at(-1)?.type === 'html'
  let plain: string | undefined
  try {
    plain = isDrawn ? undefined : JSON.stringify(value)
  } catch {
    // circles and the like: other cells cannot take it
    plain = undefined
  }
  const kept = plain !== undefined && plain.length + pictures.length <= LONGEST_ANSWER ? plain : 'null'
  return `{"shown":${pictures},"value":${kept}}`
}

function problemOf(error: unknown): { readonly message: string; readonly stack: string } {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: '' }
  return { message: String(message).slice(0, 2000), stack: String(stack ?? '').slice(0, 4000) }
}
