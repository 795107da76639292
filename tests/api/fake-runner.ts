// A runner without a process: losses and latencies follow from specs alone. Costs add exactly, so that a prediction from
// the table of this device can be checked against a sum written here.

import { HeddleError } from '#core/errors.ts'
import { operatorName, partHash, partParams } from '#core/model/latency-table.ts'
import type { LatencyPart } from '#core/model/latency-table.ts'
import { resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec, FlatBlock } from '#core/model/spec.ts'
import { readEnvironment } from '#main/runtime/environment.ts'
import type { Runner } from '#main/runtime/link.ts'
import type { ProfilePayload } from '#main/runtime/profile/job.ts'
import { lutPlace } from '#main/runtime/profile/lut-job.ts'
import type { LutPayload } from '#main/runtime/profile/lut-job.ts'
import type { TrainPayload } from '#main/runtime/train/job.ts'
import { landscape } from './landscape.ts'

export interface Job {
  readonly kind: string
  readonly payload: unknown
}

const BASE_MS = { floor: 0.01, embedding: 0.02, head: 0.03, layer: 0.005 }
const blockMs = ({ block }: FlatBlock, dModel: number, phase: string): number =>
  ((block.symbol.charCodeAt(0) - 90) * dModel * (phase === 'prefill' ? 9 : 1)) / 20_000

/** What the parts of a stack cost together, in ms. */
export function costOf(spec: ArchSpec, phase: 'decode' | 'prefill' = 'decode'): number {
  const { settings, blocks } = resolveSpec(spec)
  const each = blocks.map((flat) => blockMs(flat, settings.dModel, phase))
  return BASE_MS.floor + BASE_MS.embedding + BASE_MS.head + each.reduce((a, b) => a + b, 0)
}

export interface FakeOptions {
  /** Whole stacks take this much more than their parts. */
  readonly factor?: number
  /** Decode fails beyond this batch, as where memory runs out. */
  readonly largestBatch?: number
  /** Called for every job, before it is answered. */
  readonly onJob?: (job: Job) => void | Promise<void>
}

export function fakeRunner({ factor = 1.1, largestBatch = Infinity, onJob }: FakeOptions = {}): Runner {
  const answers: Readonly<Record<string, (payload: never) => unknown>> = {
    train: ({ config }: TrainPayload) => {
      const { bitsPerByte } = landscape(config.spec)
      const isTask = config.data.kind === 'task'
      const final = isTask ? { valLoss: 1, accuracy: 1 / bitsPerByte! } : { valLoss: bitsPerByte! * 0.7, bitsPerByte }
      return { state: 'done', steps: config.run.steps, final, tokensPerSecond: 1e4, seconds: 1, firstStepSeconds: 0.1 }
    },
    profile: ({ specs, target, options }: ProfilePayload) => {
      const { batchSize, promptLen, context } = options
      if (batchSize > largestBatch) throw new HeddleError('target-failed', 'out of memory')
      const phases = options.phases === 'both' ? (['prefill', 'decode'] as const) : [options.phases]
      return {
        protocol: 1,
        target,
        shape: { batchSize, promptLen, context: Math.max(context, promptLen) },
        floor: latency(BASE_MS.floor),
        stacks: specs.map((spec, index) => ({
          index,
          phases: phases.map((phase) => ({
            phase,
            batchSize,
            latency: latency(factor * costOf(spec, phase) * (1 + batchSize / 16)),
            graphHash: 'ab'.repeat(32),
          })),
        })),
        environment: readEnvironment({ threads: 1 }),
      }
    },
    lut: ({ target, options, request }: LutPayload) => {
      const { environment, runtimeVersion } = lutPlace(target, options.threads)
      const { settings, blocks } = resolveSpec({
        heddle: SPEC_VERSION,
        model: request.model,
        blocks: request.operators,
      })
      const entry = (part: LatencyPart, ms: number, flat?: FlatBlock): object => ({
        part,
        kind: flat?.block.kind ?? '',
        name: flat === undefined ? part : operatorName(flat),
        paramsHash: partHash(part, settings, flat),
        params: partParams(part, settings, flat),
        dModel: part === 'floor' ? 1 : settings.dModel,
        cost: { estimate: ms, low: 0.9 * ms, high: 1.1 * ms },
        copies: [1, 3],
        medianMs: [ms, 3 * ms],
        interceptMs: 0,
        residualMs: [0, 0],
        perCopy: [],
        samplesMs: Float64Array.of(ms),
      })
      const base = Object.entries(BASE_MS).map(([part, ms]) => entry(part as LatencyPart, ms))
      return {
        protocol: lutPlace(target, options.threads).protocol,
        entries: [
          ...(request.hasBase ? base : []),
          ...blocks.map((flat) => entry('block', blockMs(flat, settings.dModel, request.phase), flat)),
        ],
        stacks: [],
        floor: latency(BASE_MS.floor),
        empty: [],
        environment,
        runtimeVersion,
      }
    },
  }
  return {
    async submit<Result>(kind: string, payload: unknown, options: Parameters<Runner['submit']>[2] = {}) {
      await onJob?.({ kind, payload })
      // a moment later than whatever was stored before
      await new Promise((resolve) => setTimeout(resolve, 2))
      if (options.signal?.aborted === true) throw new HeddleError('job-cancelled', `${kind} was cancelled`)
      return answers[kind]!(payload as never) as Result
    },
    close: async () => undefined,
    pid: undefined,
    output: () => [],
  }
}

function latency(ms: number): object {
  return {
    name: '',
    p50Ms: ms,
    lowMs: 0.95 * ms,
    highMs: 1.05 * ms,
    iqrMs: 0.1 * ms,
    p95Ms: 1.2 * ms,
    minMs: 0.9 * ms,
    samplesMs: Float64Array.of(ms, ms),
    innerRuns: 1,
    repeats: 2,
    effectiveRepeats: 2,
    warmupRuns: 1,
    warmupSteady: true,
    reachedWidth: true,
    stoppedBy: 'width',
    drift: {},
  }
}
