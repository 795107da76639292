// Costs of single parts: stacks of copies of one block, an empty stack, a bare embedding and layers without mixers, all in
// one interleaved measurement, so that a drift of the machine meets all of them alike.

import { hashGraph } from '#core/graph/hash.ts'
import { countSpec } from '#core/model/counts.ts'
import type { LatencyPart } from '#core/model/latency-table.ts'
import { operatorName, partHash, partParams } from '#core/model/latency-table.ts'
import { resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec, BlockItem, ModelSettings, ResolvedSpec } from '#core/model/spec.ts'
import { newGraph } from '#core/ops/index.ts'
import { rng } from '#core/rng.ts'
import { copiesSlope, medianDifference } from '#core/stats/latency/slope.ts'
import type { CopiesSlope } from '#core/stats/latency/slope.ts'
import type { Interval } from '#core/stats/interval.ts'
import type { Clock, Subject } from '../latency/sample.ts'
import { measure, PROTOCOL_VERSION } from '../measure.ts'
import type { Latency, MeasureLimits } from '../measure.ts'
import type { ProgressEvent } from '../progress.ts'
import type { Session, Target } from '../targets/target.ts'
import { openFloor, openPhase } from './profile.ts'
import type { ProfileOptions } from './profile.ts'

/** What to measure at one width, in one phase. */
export interface LutRequest {
  /** Settings that all stacks share, the width among them. */
  readonly model: Partial<ModelSettings>
  readonly phase: 'prefill' | 'decode'
  readonly batchSize: number
  /** Text tokens in the caches (decode) or in the prompt (prefill). */
  readonly context: number
  /** Blocks whose cost is wanted. */
  readonly operators: readonly BlockItem[]
  /** Whether floor, embedding, head and layer are wanted too. */
  readonly hasBase: boolean
  /** Numbers of copies, at least two different ones. */
  readonly copies: readonly number[]
  /** Whole stacks that are timed in the same rounds. */
  readonly stacks: readonly ArchSpec[]
}

export interface LutOptions {
  readonly target: Target
  readonly seed: number
  readonly threads?: number
  readonly limits?: Partial<MeasureLimits>
  readonly signal?: AbortSignal
  readonly onProgress?: (event: ProgressEvent) => void
  readonly clock?: Clock
}

export interface LutEntry {
  readonly part: LatencyPart
  readonly kind: string
  readonly name: string
  readonly paramsHash: string
  readonly params: Readonly<Record<string, unknown>>
  readonly dModel: number
  readonly cost: Interval
  /** Number of copies of each list of samples; 0 where none are counted. */
  readonly copies: readonly number[]
  readonly medianMs: readonly number[]
  /** Line through the medians, where there is one. */
  readonly interceptMs: number | null
  readonly residualMs: readonly number[]
  /** For a block: mean cost of a copy in stacks of so many, beyond the empty stack of the same rounds. */
  readonly perCopy: readonly { readonly copies: number; readonly ms: number }[]
  /** Raw samples in ms, one list after the other. */
  readonly samplesMs: Float64Array
}

export interface LutMeasurement {
  readonly protocol: number
  readonly entries: readonly LutEntry[]
  /** Latencies of the whole stacks, in their order, with the hash of what ran. */
  readonly stacks: readonly StackLatency[]
  readonly floor: Latency
  /** The empty stack in the same rounds: floor, embedding and head together. */
  readonly empty: readonly Latency[]
}

export interface StackLatency {
  readonly latency: Latency
  readonly graphHash: string
}

/** Weights that are open at once; more are measured in several rounds of sessions. */
const MAX_OPEN_BYTES = 3 * 2 ** 30

interface Lane {
  readonly subject: Subject
  readonly session: Session
}

const stackSpec = (model: Partial<ModelSettings>, blocks: readonly BlockItem[]): ArchSpec => ({
  heddle: SPEC_VERSION,
  model,
  blocks,
})

/** Stacks of copies of one block. */
const copiesOf = (request: LutRequest, operator: BlockItem, count: number): ArchSpec =>
  stackSpec(request.model, new Array<BlockItem>(count).fill(operator))

/**
 * Measures costs and stacks. The cost of a block is the slope over stacks of its copies; the embedding is the time of a bare
 * embedding beyond the floor, the head that of an empty stack beyond the bare embedding.
 * @throws HeddleError `job-cancelled`, `target-failed`, or for a block that does not fit the width
 */
export async function measureLut(request: LutRequest, options: LutOptions): Promise<LutMeasurement> {
  const empty = resolveSpec(stackSpec(request.model, []))
  const { operators, copies, stacks } = request
  const wanted = [
    ...operators.map((operator, i) =>
      copies.map((count) => ({ name: `${i} x${count}`, spec: copiesOf(request, operator, count) })),
    ),
    ...stacks.map((spec, i) => [{ name: `stack ${i}`, spec }]),
  ]
  const entries: LutEntry[] = []
  const measured: StackLatency[] = []
  const empties: Latency[] = []
  let floor: Latency | undefined
  for (const [turn, group] of grouped(wanted, request.context).entries()) {
    const lanes: Lane[] = []
    try {
      lanes.push(
        await openFloorLane(request, options),
        await openStack('empty', stackSpec(request.model, []), request, options),
      )
      if (turn === 0 && request.hasBase) {
        lanes.push(await openBare('embed', empty, 0, request, options))
        for (const count of copies) lanes.push(await openBare(`layer x${count}`, empty, count, request, options))
      }
      for (const [i, { name, spec }] of group.flat().entries()) {
        options.signal?.throwIfAborted()
        options.onProgress?.({ phase: 'compile', done: i, total: group.flat().length, unit: 'programs' })
        lanes.push(await openStack(name, spec, request, options))
      }
      const latencies = await measure(
        lanes.map((l) => l.subject),
        { ...options.limits, seed: options.seed, signal: options.signal, onProgress: options.onProgress },
        options.clock,
      )
      const find = (name: string): Latency => latencies.find((l) => l.name === name)!
      floor ??= find('floor')
      empties.push(find('empty'))
      if (turn === 0 && request.hasBase) entries.push(...baseEntries(empty, request, find, options.seed))
      for (const [i, operator] of operators.entries())
        if (latencies.some((l) => l.name === `${i} x${copies[0]!}`))
          entries.push(
            blockEntry(
              copiesOf(request, operator, 1),
              copies,
              copies.map((count) => find(`${i} x${count}`)),
              find('empty').p50Ms,
              options.seed,
            ),
          )
      for (const i of stacks.keys()) {
        const lane = lanes.find((l) => l.subject.name === `stack ${i}`)
        if (lane !== undefined) measured[i] = { latency: find(`stack ${i}`), graphHash: hashGraph(lane.session.graph) }
      }
    } finally {
      for (const { session } of lanes) session.close()
    }
  }
  return { protocol: PROTOCOL_VERSION, entries, stacks: measured, floor: floor!, empty: empties }
}

/** Splits what is wanted so that no group holds more weights than fit; the copies of one block stay together. */
function grouped<T extends { readonly spec: ArchSpec }>(wanted: readonly (readonly T[])[], context: number): T[][][] {
  const groups: T[][][] = [[]]
  let bytes = 0
  for (const family of wanted) {
    const size = family.reduce(
      (sum, { spec }) => sum + 4 * countSpec(resolveSpec(spec), Math.min(context, 64)).params,
      0,
    )
    if (bytes + size > MAX_OPEN_BYTES && groups.at(-1)!.length > 0) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)!.push([...family])
    bytes += size
  }
  return groups
}

function profileOptions(
  { phase, batchSize, context }: LutRequest,
  { target, seed, threads }: LutOptions,
): ProfileOptions {
  return {
    target,
    phases: [phase],
    batchSize,
    promptLen: phase === 'prefill' ? context : 1,
    context,
    seed,
    ...(threads !== undefined && { threads }),
  }
}

async function openFloorLane(request: LutRequest, options: LutOptions): Promise<Lane> {
  const { subject, session } = await openFloor(profileOptions(request, options))
  return { subject, session }
}

async function openStack(name: string, spec: ArchSpec, request: LutRequest, options: LutOptions): Promise<Lane> {
  const { session, run } = await openPhase(0, resolveSpec(spec), request.phase, profileOptions(request, options), false)
  return { session, subject: { name, run } }
}

/** The embedding with so many layers that have a norm and a residual addition and no mixer. */
async function openBare(
  name: string,
  { settings }: ResolvedSpec,
  layers: number,
  request: LutRequest,
  options: LutOptions,
): Promise<Lane> {
  const { batchSize, context, phase } = request
  const { vocabSize, dModel, metaTokens, normEps } = settings
  const length = phase === 'prefill' ? context : 1
  const g = newGraph()
  const tokens = g.input('tokens', { dtype: 'i32', shape: [batchSize, length] })
  const weights = [{ name: 'table', shape: [vocabSize, dModel] }]
  let h = g.gather(g.input('table', { dtype: 'f32', shape: [vocabSize, dModel] }), tokens)
  if (metaTokens > 0 && phase === 'prefill') {
    weights.push({ name: 'meta', shape: [metaTokens, dModel] })
    h = g.concat(
      [g.broadcast(g.input('meta', { dtype: 'f32', shape: [metaTokens, dModel] }), [batchSize, metaTokens, dModel]), h],
      1,
    )
  }
  for (let i = 0; i < layers; i++) {
    weights.push({ name: `gain${i}`, shape: [dModel] })
    h = g.add(h, g.one('rms_norm', [h, g.input(`gain${i}`, { dtype: 'f32', shape: [dModel] })], { eps: normEps }))
  }
  g.output('y', h)
  const random = rng(options.seed, 'bare')
  const initial = new Map(
    weights.map((w) => [
      w.name,
      Float32Array.from({ length: w.shape.reduce((a, b) => a * b, 1) }, () => random.uniform() * 0.02),
    ]),
  )
  const program = { name, phase, graph: g.finish(), bindings: [], frozen: weights.map((w) => w.name) } as const
  const session = await options.target.open(program, {
    initial,
    ...(options.threads !== undefined && { threads: options.threads }),
  })
  const feed = Int32Array.from({ length: batchSize * length }, () => random.integer(vocabSize))
  return { session, subject: { name, run: () => void session.runSync({ tokens: feed }) } }
}

function baseEntries(
  empty: ResolvedSpec,
  { copies }: LutRequest,
  find: (name: string) => Latency,
  seed: number,
): LutEntry[] {
  const floor = find('floor'),
    embed = find('embed'),
    head = find('empty')
  const entry = (
    part: LatencyPart,
    cost: Interval,
    lists: readonly Latency[],
    counts: readonly number[],
    line?: CopiesSlope,
  ): LutEntry => ({
    part,
    kind: '',
    name: part,
    paramsHash: partHash(part, empty.settings),
    params: partParams(part, empty.settings),
    dModel: part === 'floor' ? 1 : empty.settings.dModel,
    cost,
    ...evidence(lists, counts, line),
  })
  const layers = copies.map((count) => find(`layer x${count}`))
  const line = copiesSlope(
    [0, ...copies],
    [embed, ...layers].map((l) => l.samplesMs),
    { rng: rng(seed, 'layer') },
  )
  return [
    entry('floor', { estimate: floor.p50Ms, low: floor.lowMs, high: floor.highMs }, [floor], [0]),
    entry(
      'embedding',
      medianDifference(embed.samplesMs, floor.samplesMs, { rng: rng(seed, 'embedding') }),
      [embed, floor],
      [0, 0],
    ),
    entry('head', medianDifference(head.samplesMs, embed.samplesMs, { rng: rng(seed, 'head') }), [head, embed], [0, 0]),
    entry('layer', line.slope, [embed, ...layers], [0, ...copies], line),
  ]
}

function blockEntry(
  one: ArchSpec,
  copies: readonly number[],
  lists: readonly Latency[],
  emptyMs: number,
  seed: number,
): LutEntry {
  const { settings, blocks } = resolveSpec(one)
  const flat = blocks[0]!
  const line = copiesSlope(
    copies,
    lists.map((l) => l.samplesMs),
    { rng: rng(seed, 'block', partHash('block', settings, flat)) },
  )
  return {
    part: 'block',
    kind: flat.block.kind,
    name: operatorName(flat),
    paramsHash: partHash('block', settings, flat),
    params: partParams('block', settings, flat),
    dModel: settings.dModel,
    cost: line.slope,
    ...evidence(lists, copies, line),
    perCopy: copies
      .map((count, i) => ({ copies: count, ms: (lists[i]!.p50Ms - emptyMs) / count }))
      .sort((a, b) => a.copies - b.copies),
  }
}

function evidence(
  lists: readonly Latency[],
  copies: readonly number[],
  line?: CopiesSlope,
): Pick<LutEntry, 'copies' | 'medianMs' | 'interceptMs' | 'residualMs' | 'perCopy' | 'samplesMs'> {
  return {
    copies,
    medianMs: lists.map((l) => l.p50Ms),
    interceptMs: line?.intercept.estimate ?? null,
    residualMs: line?.residuals ?? [],
    perCopy: [],
    samplesMs: Float64Array.from(lists.flatMap((l) => [...l.samplesMs])),
  }
}
