// The two programs of inference, with their weights frozen.

import type { Program } from '#core/graph/program.ts'
import { lower } from '#core/model/lower.ts'
import type { ModelOutput } from '#core/model/lower.ts'
import type { State, Weight } from '#core/model/declarations.ts'
import type { ResolvedSpec } from '#core/model/spec.ts'

export interface InferenceShape {
  readonly batchSize: number
  /** Text tokens that a prefill reads. */
  readonly promptLen: number
  /** Text tokens that the caches hold, prompt included. */
  readonly context: number
}

export interface InferenceProgram {
  readonly program: Program
  readonly weights: readonly Weight[]
  readonly states: readonly State[]
}

/** Reads a prompt: `tokens` [B,T] -> `logits` of the last token (or `allLogits`, `next`) and the states after it. */
export function prefillProgram(
  resolved: ResolvedSpec,
  { batchSize, promptLen, context }: InferenceShape,
  outputs: readonly ModelOutput[] = ['logits'],
): InferenceProgram {
  const { graph, weights, states } = lower(resolved, {
    phase: 'prefill',
    batchSize,
    seqLen: promptLen,
    context,
    outputs,
  })
  return {
    program: { name: 'prefill', phase: 'prefill', graph, bindings: [], frozen: weights.map((w) => w.name) },
    weights,
    states,
  }
}

/** One token: `tokens` [B,1] and `position` -> `logits` (or `next`); the states are bound. */
export function decodeProgram(
  resolved: ResolvedSpec,
  { batchSize, context }: Omit<InferenceShape, 'promptLen'>,
  outputs: readonly ModelOutput[] = ['logits'],
): InferenceProgram {
  const { graph, weights, states } = lower(resolved, { phase: 'decode', batchSize, seqLen: 1, context, outputs })
  const bindings = states.map(({ name }) => ({ input: name, output: `next.${name}` }))
  return {
    program: { name: 'decode', phase: 'decode', graph, bindings, frozen: weights.map((w) => w.name) },
    weights,
    states,
  }
}
