// Latency of whole stacks: prefill and decode apart, several stacks in one interleaved measurement, beside the floor of an
// empty model.

import { HeddleError } from '#core/errors.ts'
import type { Program } from '#core/graph/program.ts'
import { hashGraph } from '#core/graph/hash.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec, ResolvedSpec } from '#core/model/spec.ts'
import { newGraph } from '#core/ops/index.ts'
import { initialValuesOf } from '#core/optim/first-values.ts'
import { rng } from '#core/rng.ts'
import type { Subject } from '../latency/sample.ts'
import { measure, PROTOCOL_VERSION } from '../measure.ts'
import type { Latency, MeasureLimits } from '../measure.ts'
import type { ProgressEvent } from '../progress.ts'
import type { ProgramPlan, Session, Target } from '../targets/target.ts'
import { drawWeights } from '../weights/draw.ts'
import { largestBatch } from './largest-batch.ts'
import { placement } from './placement.ts'
import type { Placement } from './placement.ts'
import { decodeProgram, prefillProgram } from './programs.ts'
import type { InferenceProgram, InferenceShape } from './programs.ts'

/** The batch size that stands for the largest that fits. */
export const LARGEST = 0

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
  readonly batchSize: number
  readonly latency: Latency
  /** Runs by the device's own clock, each a mean of runs that follow each other; empty where it has none. */
  readonly deviceMs: readonly number[]
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

interface Wanted {
  readonly index: number
  readonly resolved: ResolvedSpec
  readonly phase: 'prefill' | 'decode'
}

export interface Opened extends Wanted {
  readonly name: string
  readonly batchSize: number
  readonly program: Program
  readonly session: Session
  readonly run: () => void
}

/**
 * Measures stacks with random weights, in one session each and one interleaved protocol. With the largest batch that fits,
 * each is measured alone.
 */
export async function profileStacks(specs: readonly ArchSpec[], options: ProfileOptions): Promise<Profile> {
  const wanted = specs.flatMap((spec, index) =>
    options.phases.map((phase): Wanted => ({ index, resolved: resolveSpec(spec), phase })),
  )
  const groups = options.batchSize === LARGEST ? wanted.map((one) => [one]) : [wanted]
  const measured: (PhaseProfile & { readonly index: number })[] = []
  let floor: Latency | undefined
  for (const group of groups) {
    const { floor: own, phases } = await measureTogether(group, options, (done) =>
      options.onProgress?.({
        phase: 'compile',
        done: measured.length + done,
        total: wanted.length,
        unit: 'programs',
      }),
    )
    floor ??= own
    measured.push(...phases)
  }
  const { batchSize, promptLen, context } = options
  return {
    protocol: PROTOCOL_VERSION,
    target: options.target.kind,
    shape: { batchSize, promptLen, context },
    floor: floor!,
    stacks: [...specs.keys()].map((index) => ({
      index,
      phases: measured.flatMap(({ index: own, ...phase }) => (own === index ? [phase] : [])),
    })),
  }
}

/** Measures programs that are open at the same time, beside the floor. */
async function measureTogether(
  wanted: readonly Wanted[],
  options: ProfileOptions,
  onOpen: (done: number) => void,
): Promise<{ floor: Latency; phases: (PhaseProfile & { readonly index: number })[] }> {
  const opened: Opened[] = []
  const closeAll = (): void => opened.splice(0).forEach(({ session }) => session.close())
  const floor = await openFloor(options)
  try {
    for (const [done, { index, resolved, phase }] of wanted.entries()) {
      if (options.signal?.aborted === true) throw new HeddleError('job-cancelled', 'the measurement was cancelled')
      onOpen(done)
      opened.push(await openPhase(index, resolved, phase, withBatch(resolved, phase, options), false))
    }
    const subjects: Subject[] = [floor.subject, ...opened.map(({ name, run }) => ({ name, run }))]
    const latencies = await measure(subjects, {
      ...options.limits,
      seed: options.seed,
      signal: options.signal,
      onProgress: options.onProgress,
    })
    const timed = opened.map((o) => {
      const latency = latencies.find(({ name }) => name === o.name)!
      return { o, latency, deviceMs: deviceTimes(o.session, latency.p50Ms), graphHash: hashGraph(o.session.graph) }
    })
    // a program that fills the memory is opened again to be traced
    if (options.batchSize === LARGEST) closeAll()
    const phases: (PhaseProfile & { readonly index: number })[] = []
    for (const { o, latency, deviceMs, graphHash } of timed)
      phases.push({
        index: o.index,
        phase: o.phase,
        batchSize: o.batchSize,
        latency,
        deviceMs,
        graphHash,
        placement: options.trace === true ? await trace(o, { ...options, batchSize: o.batchSize }) : undefined,
      })
    return { floor: latencies[0]!, phases }
  } finally {
    closeAll()
    floor.session.close()
  }
}

/** Runs that follow each other take this long, and are timed so often; fewer times where one run takes longer. */
const DEVICE_RUNS_MS = 10
const DEVICE_REPEATS = 11
const DEVICE_TOTAL_MS = 3000

function deviceTimes(session: Session, p50Ms: number): readonly number[] {
  const runs = Math.max(1, Math.ceil(DEVICE_RUNS_MS / p50Ms))
  const repeats = Math.ceil(DEVICE_TOTAL_MS / (runs * p50Ms))
  return session.runTimes?.(runs, Math.min(DEVICE_REPEATS, Math.max(3, repeats))) ?? []
}

/** The options with a batch size: the one that is given, or the largest whose plan fits the free memory. */
function withBatch(resolved: ResolvedSpec, phase: Wanted['phase'], options: ProfileOptions): ProfileOptions {
  if (options.batchSize !== LARGEST) return options
  const { target } = options
  if (target.plan === undefined || target.freeBytes === undefined)
    throw new HeddleError(
      'usage',
      `target ${target.kind} does not plan its memory, so the largest batch is not known`,
      {
        path: 'batchSize',
        hint: 'give a batch size',
      },
    )
  const free = target.freeBytes()
  const planOf = (batchSize: number): ProgramPlan =>
    target.plan!(programOf(resolved, phase, { ...options, batchSize }).program)
  const batchSize = largestBatch((batch) => {
    options.signal?.throwIfAborted()
    const { bytes, limit } = planOf(batch)
    return limit === undefined ? bytes : Infinity
  }, free)
  if (batchSize > 0) return { ...options, batchSize }
  const { bytes, limit } = planOf(1)
  throw new HeddleError(
    'target-failed',
    `one sequence does not fit: ${phase} needs ${(bytes / 2 ** 30).toFixed(2)} GiB, of which ${(free / 2 ** 30).toFixed(2)} are free${limit === undefined ? '' : `; ${limit}`}`,
    { hint: phase === 'prefill' ? 'shorten the prompt' : 'shorten the context' },
  )
}

const programOf = (resolved: ResolvedSpec, phase: Wanted['phase'], shape: InferenceShape): InferenceProgram =>
  phase === 'prefill' ? prefillProgram(resolved, shape) : decodeProgram(resolved, shape)

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
  const { program, weights } = programOf(resolved, phase, options)
  const session = await target.open(program, {
    initial: drawWeights(weights, initialValuesOf(seed)),
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
  const run = (): void => void session.runSync(feeds)
  return { name: `${index} ${phase}`, index, phase, batchSize, resolved, program, session, run }
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
