// Latency of whole stacks: prefill and decode apart, several stacks in one interleaved measurement, beside the floor of an
// empty model.

import { HeddleError } from '#core/errors.ts'
import type { Program } from '#core/graph/program.ts'
import { hashGraph } from '#core/graph/hash.ts'
import { initWeights } from '#core/model/weights.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec, ResolvedSpec } from '#core/model/spec.ts'
import { newGraph } from '#core/ops/index.ts'
import { rng } from '#core/rng.ts'
import type { Subject } from '../latency/sample.ts'
import { measure, PROTOCOL_VERSION } from '../measure.ts'
import type { Latency, MeasureLimits } from '../measure.ts'
import type { ProgressEvent } from '../progress.ts'
import type { Session, Target } from '../targets/target.ts'
import { placement } from './placement.ts'
import type { Placement } from './placement.ts'
import { decodeProgram, prefillProgram } from './programs.ts'
import type { InferenceProgram, InferenceShape } from './programs.ts'

export interface ProfileOptions extends InferenceShape {
  readonly target: Target
  readonly phases: readonly ('prefill' | 'decode')[]
  readonly seed: number
  readonly threads?: number
  readonly limits?: Partial<MeasureLimits>
  /** Also trace every node once, for placement and attribution. */
  readonly trace?: boolean
  readonly decomposeAll?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (event: ProgressEvent) => void
}

export interface PhaseProfile {
  readonly phase: 'prefill' | 'decode'
  readonly latency: Latency
  readonly graphHash: string
  readonly placement: Placement | undefined
}

export interface StackProfile {
  /** Index of the spec among those given. */
  readonly index: number
  readonly phases: readonly PhaseProfile[]
}

export interface Profile {
  readonly protocol: number
  readonly target: string
  readonly shape: InferenceShape
  /** Latency of a run that does nothing: the least that any stack can take here. */
  readonly floor: Latency
  readonly stacks: readonly StackProfile[]
}

export interface Opened {
  readonly name: string
  readonly index: number
  readonly phase: 'prefill' | 'decode'
  readonly resolved: ResolvedSpec
  readonly program: Program
  readonly session: Session
  readonly run: () => void
}

/** Measures stacks with random weights, in one session each and one interleaved protocol. */
export async function profileStacks(specs: readonly ArchSpec[], options: ProfileOptions): Promise<Profile> {
  const opened: Opened[] = []
  const floor = await openFloor(options)
  try {
    for (const [index, spec] of specs.entries()) {
      for (const phase of options.phases) {
        if (options.signal?.aborted === true) throw new HeddleError('job-cancelled', 'the measurement was cancelled')
        options.onProgress?.({
          phase: 'compile',
          done: opened.length,
          total: specs.length * options.phases.length,
          unit: 'programs',
        })
        opened.push(await openPhase(index, resolveSpec(spec), phase, options, false))
      }
    }
    const subjects: Subject[] = [floor.subject, ...opened.map(({ name, run }) => ({ name, run }))]
    const latencies = await measure(subjects, {
      ...options.limits,
      seed: options.seed,
      signal: options.signal,
      onProgress: options.onProgress,
    })
    const stacks: StackProfile[] = []
    for (const index of specs.keys()) {
      const phases: PhaseProfile[] = []
      for (const o of opened.filter((x) => x.index === index)) {
        const latency = latencies.find((l) => l.name === o.name)!
        phases.push({
          phase: o.phase,
          latency,
          graphHash: hashGraph(o.session.graph),
          placement: options.trace === true ? await trace(o, options) : undefined,
        })
      }
      stacks.push({ index, phases })
    }
    const { batchSize, promptLen, context } = options
    return {
      protocol: PROTOCOL_VERSION,
      target: options.target.kind,
      shape: { batchSize, promptLen, context },
      floor: latencies[0]!,
      stacks,
    }
  } finally {
    for (const { session } of opened) session.close()
    floor.session.close()
  }
}

export async function openPhase(
  index: number,
  resolved: ResolvedSpec,
  phase: 'prefill' | 'decode',
  options: ProfileOptions,
  profile: boolean,
): Promise<Opened> {
  const { target, seed, threads, batchSize, promptLen, context, decomposeAll = false } = options
  if (context < promptLen)
    throw new HeddleError('usage', `context (${context}) must be at least promptLen (${promptLen})`, {
      path: 'context',
    })
  const { program, weights }: InferenceProgram =
    phase === 'prefill' ? prefillProgram(resolved, options) : decodeProgram(resolved, options)
  const session = await target.open(program, {
    initial: initWeights(weights, seed),
    decomposeAll,
    profile,
    ...(threads !== undefined && { threads }),
  })
  const random = rng(seed, 'prompt')
  const length = phase === 'prefill' ? promptLen : 1
  const tokens = Int32Array.from({ length: batchSize * length }, () => random.integer(resolved.settings.vocabSize))
  // the last token of a full context: every earlier one is in the caches
  const position = Int32Array.of(resolved.settings.metaTokens + context - 1)
  const feeds = phase === 'prefill' ? { tokens } : { tokens, position }
  return { name: `${index} ${phase}`, index, phase, resolved, program, session, run: () => void session.runSync(feeds) }
}

/** A program that copies one number. */
export async function openFloor({ target, threads }: ProfileOptions): Promise<{ subject: Subject; session: Session }> {
  const g = newGraph()
  g.output('y', g.neg(g.input('x', { dtype: 'f32', shape: [1] })))
  const session = await target.open(
    { name: 'floor', phase: 'decode', graph: g.finish(), bindings: [], frozen: [] },
    { initial: new Map(), ...(threads !== undefined && { threads }) },
  )
  const x = Float32Array.of(1)
  return { session, subject: { name: 'floor', run: () => void session.runSync({ x }) } }
}

const TRACED_RUNS = 5

async function trace(measured: Opened, options: ProfileOptions): Promise<Placement | undefined> {
  const { index, resolved, phase, program } = measured
  const traced = await openPhase(index, resolved, phase, options, true)
  try {
    if (traced.session.trace === undefined) return undefined
    traced.run()
    const started = performance.now()
    for (let i = 0; i < TRACED_RUNS; i++) traced.run()
    const wallMs = performance.now() - started
    // the first, cold run is in the trace too: its events come first
    const events = traced.session.trace()
    const perRun = events.length / (TRACED_RUNS + 1)
    return placement(program, traced.session, resolved.blocks, events.slice(perRun), TRACED_RUNS, wallMs)
  } finally {
    traced.session.close()
  }
}
