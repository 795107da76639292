// What one token costs on this device: whole models, single layers, and bf16 against f32.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ArchSpec, ResolvedSpec } from '#core/model/spec.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import type { Weight } from '#core/model/declarations.ts'
import { sizeOf } from '#core/graph/types.ts'
import { initWeights } from '#core/model/weights.ts'
import { rng } from '#core/rng.ts'
import { decodeProgram } from '#main/runtime/profile/programs.ts'
import { openCuda } from '#main/runtime/targets/cuda/target.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import { spread } from './numbers.ts'

const RUNS = 50
const REPEATS = 11

export interface DecodeOptions {
  readonly models: readonly string[]
  readonly contexts: readonly number[]
  readonly batches: readonly number[]
  readonly showCosts: boolean
  /** Bytes a second that a copy reads and writes. */
  readonly bandwidth: number
}

export const spreadText = (values: readonly number[], unit: string, digits: number): string => {
  const { low, middle, high } = spread(values)
  return `${middle.toFixed(digits)} ${unit} (quartiles ${low.toFixed(digits)} to ${high.toFixed(digits)})`
}

/** Weights for timing: small numbers from one table, gains of 1; filling billions one by one would take minutes. */
export function timingWeights(weights: readonly Weight[]): ReadonlyMap<string, Float32Array> {
  const random = rng('cuda-decode-bench', 1)
  const table = Float32Array.from({ length: 1 << 20 }, () => 0.04 * (random.uniform() - 0.5))
  const largest = Math.max(...weights.map(({ shape }) => sizeOf(shape)))
  const data = new Float32Array(largest)
  data.set(table.subarray(0, largest))
  for (let filled = table.length; filled < largest; filled *= 2)
    data.copyWithin(filled, 0, Math.min(filled, largest - filled))
  const gains = new Float32Array(1 << 14).fill(1)
  return new Map(
    weights.map(({ name, shape }) => [name, (/norm/.test(name) ? gains : data).subarray(0, sizeOf(shape))]),
  )
}

interface Opened {
  readonly session: CudaSession
  /** Bytes that a token must read, and of states, read and write. */
  readonly weightBytes: number
  readonly stateBytes: number
  readonly position: number
}

async function open(
  resolved: ResolvedSpec,
  batchSize: number,
  context: number,
  compute: Compute,
  weightsOf = timingWeights,
): Promise<Opened> {
  const { program, weights, states } = decodeProgram(resolved, { batchSize, context })
  const session = await openCuda(program, { initial: weightsOf(weights) }, compute)
  const bytes = compute === 'bf16' ? 2 : 4
  const isRead = ({ name }: Weight): boolean =>
    name !== 'memory_tokens' && (name !== 'embed_tokens.weight' || resolved.settings.tieEmbeddings)
  const weightBytes = weights.filter(isRead).reduce((sum, { shape }) => sum + sizeOf(shape) * bytes, 0)
  const stateBytes = states.reduce(
    (sum, { name, shape }) => sum + sizeOf(shape) * (/_cache$/.test(name) ? bytes : 2 * 4),
    0,
  )
  return { session, weightBytes, stateBytes, position: resolved.settings.metaTokens + context - 1 }
}

function feedsOf(batchSize: number, position: number, token = 7): Record<string, Int32Array> {
  return { tokens: Int32Array.from({ length: batchSize }, (_, b) => token + b), position: Int32Array.of(position) }
}

/** A model that resources/specs has. */
export function modelNamed(name: string): ResolvedSpec {
  const path = join(fileURLToPath(new URL('../../../', import.meta.url)), 'resources/specs', `${name}.json`)
  return resolveSpec(parseSpec(JSON.parse(readFileSync(path, 'utf8')) as ArchSpec))
}

async function benchModel(
  name: string,
  batchSize: number,
  context: number,
  { bandwidth, showCosts }: DecodeOptions,
): Promise<void> {
  const started = performance.now()
  const { session, weightBytes, stateBytes, position } = await open(modelNamed(name), batchSize, context, 'bf16')
  const feeds = feedsOf(batchSize, position)
  const { logits } = await session.run(feeds, ['logits'])
  if (!logits!.every(Number.isFinite)) throw new Error(`${name}: logits are not finite`)
  const opened = (performance.now() - started) / 1000
  session.runTimes(RUNS, 2)
  const device = session.runTimes(RUNS, REPEATS)
  const wall = Array.from({ length: RUNS * 2 }, () => {
    const before = performance.now()
    session.runSync(feeds)
    return performance.now() - before
  })
  const { middle } = spread(device)
  const floor = (weightBytes / bandwidth) * 1000
  const { compileS, compiled, cached } = session.prepared
  const steps = session.schedule.steps.filter((step) => !step.isOnce).length
  console.log(
    `${name} batch ${batchSize} context ${context}: device ${spreadText(device, 'ms/token', 4)}, ${REPEATS} x ${RUNS} runs; wall clock with feeds ${spreadText(wall, 'ms', 4)}, n=${wall.length}; ${steps} launches`,
  )
  console.log(
    `  weights ${(weightBytes / 1e9).toFixed(3)} GB: floor ${floor.toFixed(3)} ms at ${(bandwidth / 1e12).toFixed(2)} TB/s (copy, read + write), ${((100 * floor) / middle).toFixed(1)} % of the copy bandwidth; with states ${((weightBytes + stateBytes) / 1e9).toFixed(3)} GB, ${((weightBytes + stateBytes) / middle / 1e9).toFixed(2)} TB/s; ${((batchSize * 1000) / middle).toFixed(0)} tokens/s; opened in ${opened.toFixed(1)} s (${compiled} kernels compiled, ${cached} found, ${compileS.toFixed(1)} s)`,
  )
  if (showCosts) printCosts(session)
  session.close()
}

function printCosts(session: CudaSession): void {
  const steps = session.schedule.steps.filter((step) => !step.isOnce)
  const groups = new Map<string, { count: number; us: number; bytes: number }>()
  session.trace!().forEach(({ node, opType, microseconds }, i) => {
    const { action } = steps[i]!
    const name = action.kind === 'kernel' ? action.launch.kernel.name : action.kind
    const key = `${node.replace(/^L\d+/, 'L')} ${opType} ${name}`
    const group = groups.get(key) ?? { count: 0, us: 0, bytes: 0 }
    groups.set(key, { count: group.count + 1, us: group.us + microseconds, bytes: group.bytes })
  })
  const total = [...groups.values()].reduce((sum, { us }) => sum + us, 0)
  console.log(`  sum of launches on their own ${total.toFixed(0)} us (each with its start and end)`)
  for (const [key, { count, us }] of [...groups].sort((a, b) => b[1].us - a[1].us).slice(0, 16))
    console.log(
      `  ${us.toFixed(0).padStart(7)} us ${String(count).padStart(4)}x ${(us / count).toFixed(1).padStart(7)} us each  ${key}`,
    )
}

/** Cost of one more layer in a stack whose weights do not fit in the cache. */
export async function benchDecodeLayers(): Promise<void> {
  const rows: readonly (readonly [string, string, number])[] = [
    ['FFN', 'f{intermediateSize: 6144}', 1024],
    ['DeltaNet', 'd', 1024],
    ['Mamba2', 'm2', 1024],
    ['attention', 'a{nKvHeads: 4}', 1024],
    ['attention', 'a{nKvHeads: 4}', 8192],
  ]
  const few = 6,
    many = 14
  for (const [title, block, context] of rows) {
    const times: number[][] = []
    for (const count of [few, many]) {
      const resolved = resolveSpec(parseSpecText(`{dModel: 2048, vocabSize: 1024} (${block})x${count}`))
      const { session, position } = await open(resolved, 1, context, 'bf16')
      await session.run(feedsOf(1, position))
      session.runTimes(RUNS, 2)
      times.push([...session.runTimes(RUNS, REPEATS)])
      session.close()
    }
    const slopes = times[1]!.map((ms, i) => ((ms - times[0]![i]!) / (many - few)) * 1000)
    console.log(
      `  ${title.padEnd(10)} context ${String(context).padStart(5)}: ${spreadText(slopes, 'us a layer', 2)}, from stacks of ${few} and ${many}`,
    )
  }
}

/** Logits of 32 tokens in bf16 against f32, from the same weights. */
export async function compareDecodeForms(batchSize: number): Promise<void> {
  const blocks = 'd f m2 f a{nKvHeads: 2} f gdn f gla f ret f m f r7 f a{window: 8, qkNorm: true} f'
  const resolved = resolveSpec(parseSpecText(`{dModel: 512, vocabSize: 4096, metaTokens: 0} ${blocks}`))
  const logits: Float32Array[][] = []
  for (const compute of ['f32', 'bf16'] as const) {
    const { session } = await open(resolved, batchSize, 64, compute, (weights) => initWeights(weights, 1))
    const own: Float32Array[] = []
    for (let i = 0; i < 32; i++)
      own.push((await session.run(feedsOf(batchSize, i, (i * 37) % 4096), ['logits']))['logits'] as Float32Array)
    logits.push(own)
    session.close()
  }
  const errors = logits[0]!.map((exact, i) => {
    const sum = (f: (j: number) => number): number => Math.sqrt(exact.reduce((all, _, j) => all + f(j) ** 2, 0))
    return sum((j) => logits[1]![i]![j]! - exact[j]!) / sum((j) => exact[j]!)
  })
  console.log(
    `bf16 against f32 decode, 32 tokens, batch ${batchSize}, of ${blocks}: relative error of logits at most ${Math.max(...errors).toExponential(2)}, median ${spread(errors).middle.toExponential(2)}`,
  )
}

export async function benchDecode(options: DecodeOptions): Promise<void> {
  for (const name of options.models)
    for (const context of options.contexts)
      for (const batch of options.batches) await benchModel(name, batch, context, options)
}
