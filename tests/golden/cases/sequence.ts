// The forms of a sequence model without gradients: prefill, token by token, and a prefill followed by steps. Operators
// and whole models go through the same code.

import type { LoweredModel } from '#core/model/lower.ts'
import type { HostArray, Session, Target } from '#main/runtime/targets/target.ts'
import { openModel, readAll } from './programs.ts'
import type { Arrays } from './programs.ts'
import type { Check, Report } from '../report.ts'
import { reportTo } from '../report.ts'
import { goldenLayout } from './states.ts'
import type { StateOwner } from './states.ts'
import { joinTime, sliceTime } from '../tensors.ts'
import type { GoldenTensor } from '../tensors.ts'

/** A state after some tokens, as the golden file has it. */
export interface ExpectedState {
  /** In our graphs. */
  readonly name: string
  /** Without the prefix of the layer. */
  readonly short: string
  readonly owner: StateOwner
  readonly value: GoldenTensor
  /** Name in the golden file. */
  readonly label: string
}

/** An operator or model with its inputs and what should come out. */
export interface Sequence {
  /** Lowers so many tokens with caches for `capacity` tokens; meta tokens in front not counted. */
  lower(phase: 'prefill' | 'decode', length: number, capacity: number): LoweredModel
  readonly weights: Arrays
  /** Inputs [B, T or T+1, ...] by name. */
  readonly inputs: Readonly<Record<string, GoldenTensor>>
  readonly output: string
  /** [B, T, ...]. */
  readonly expected: GoldenTensor
  /** Token T, [B, 1, ...]. */
  readonly next: { readonly label: string; readonly value: GoldenTensor } | undefined
  readonly tolerance: number
  readonly stateTolerance: number
  /** Meta tokens that the model puts in front by itself; it then cannot start with a step. */
  readonly lead: number
  readonly states: readonly ExpectedState[]
  readonly nextStates: readonly ExpectedState[]
}

/** Runs all forms on one target. */
export async function checkSequence(
  sequence: Sequence,
  target: Target,
  decomposeAll: boolean,
  checks: Check[],
): Promise<void> {
  const length = sequence.expected.shape[1]!
  const report = (form: string): Report => reportTo(checks, target.kind, decomposeAll ? `${form}, decomposed` : form)
  const decode = await openModel(target, sequence.lower('decode', 1, length + 1), sequence.weights, decomposeAll)
  try {
    const whole = await prefill(sequence, target, length, decomposeAll)
    compare(sequence, report('prefill'), whole.output, whole.states)
    if (sequence.lead === 0) {
      const form = report('decode')
      const steps = decodeSteps(sequence, decode, 0, length)
      compare(sequence, form, joinTime(steps), statesOf(decode))
      compareNext(sequence, form, decode, length)
    }
    for (const split of splitsOf(length, sequence.lead)) {
      const form = report('prefill then decode')
      const first = split === length ? whole : await prefill(sequence, target, split, decomposeAll)
      for (const [name, state] of first.states) decode.write(name, state.data as Float32Array)
      const steps = decodeSteps(sequence, decode, split, length)
      compare(sequence, form, joinTime([first.output, ...steps]), statesOf(decode), ` (${split} + ${length - split})`)
      compareNext(sequence, form, decode, length)
    }
  } finally {
    decode.close()
  }
}

/** Where a sequence is cut: after the first token, in the middle, behind a chunk, before the last token, and at the end. */
function splitsOf(length: number, lead: number): number[] {
  const points = [1, Math.floor(length / 2), 64 - lead, length - 1, length]
  return [...new Set(points)].filter((point) => point >= 1 && point <= length).sort((a, b) => a - b)
}

interface Prefilled {
  readonly output: GoldenTensor
  readonly states: Map<string, GoldenTensor>
}

async function prefill(sequence: Sequence, target: Target, length: number, decomposeAll: boolean): Promise<Prefilled> {
  const lowered = sequence.lower('prefill', length, sequence.expected.shape[1]! + 1)
  const session = await openModel(target, lowered, sequence.weights, decomposeAll)
  try {
    const names = lowered.states.map((s) => s.name)
    const results = await readAll(session, feedsOf(sequence, 0, length), [
      sequence.output,
      ...names.map((name) => `next.${name}`),
    ])
    return {
      output: results.get(sequence.output)!,
      states: new Map(names.map((name) => [name, results.get(`next.${name}`)!])),
    }
  } finally {
    session.close()
  }
}

function feedsOf({ inputs }: Sequence, from: number, to: number): Record<string, HostArray> {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, sliceTime(tensor, from, to).data]))
}

/** Steps through tokens `from` to `to`, one run each; the outputs [B, 1, ...]. */
function decodeSteps(sequence: Sequence, session: Session, from: number, to: number): GoldenTensor[] {
  if (from === 0)
    for (const { name, shape } of boundStates(session))
      session.write(name, new Float32Array(shape.reduce((a, b) => a * b, 1)))
  const [batch, , ...rest] = sequence.expected.shape as [number, number, ...number[]]
  return Array.from({ length: to - from }, (_, i) => {
    const at = from + i
    const feeds = { ...feedsOf(sequence, at, at + 1), position: Int32Array.of(sequence.lead + at) }
    return { shape: [batch, 1, ...rest], data: session.runSync(feeds, [sequence.output])[sequence.output]! }
  })
}

const boundStates = (session: Session): { name: string; shape: readonly number[] }[] =>
  session.graph.outputs
    .filter((o) => o.name.startsWith('next.'))
    .map((o) => ({ name: o.name.slice(5), shape: o.value.type.shape }))

function statesOf(session: Session): Map<string, GoldenTensor> {
  return new Map(boundStates(session).map(({ name, shape }) => [name, { shape, data: session.read(name) }]))
}

function compare(
  sequence: Sequence,
  report: Report,
  output: GoldenTensor,
  states: ReadonlyMap<string, GoldenTensor>,
  suffix = '',
): void {
  report.close(sequence.output + suffix, output, sequence.expected, sequence.tolerance)
  compareStates(sequence, report, sequence.states, states, sequence.expected.shape[1]!, suffix)
}

/** Feeds token T, whose states must follow. */
function compareNext(sequence: Sequence, report: Report, session: Session, length: number): void {
  if (sequence.next === undefined) return
  const [output] = decodeSteps(sequence, session, length, length + 1)
  report.close(sequence.next.label, output!, sequence.next.value, sequence.tolerance)
  compareStates(sequence, report, sequence.nextStates, statesOf(session), length + 1, '')
}

function compareStates(
  sequence: Sequence,
  report: Report,
  expected: readonly ExpectedState[],
  states: ReadonlyMap<string, GoldenTensor>,
  length: number,
  suffix: string,
): void {
  for (const { name, short, owner, value, label } of expected) {
    report.close(
      label + suffix,
      goldenLayout(owner, short, states.get(name)!, sequence.lead + length),
      value,
      sequence.stateTolerance,
    )
  }
}
