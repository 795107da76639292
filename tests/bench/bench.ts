// `npm run bench`: what Heddle costs and how near it is to what the machine can do, from one process. Ratios within one run are
// comparable; absolute times are this machine's. Options: --json, --only peak,train,build,decode, --steps N.
// Times are only taken after the timed program has given the reference interpreter's answer on a small case.

import { parseArgs } from 'node:util'
import { blocks } from '#core/blocks/index.ts'
import { sizeOf } from '#core/graph/types.ts'
import type { Graph } from '#core/graph/types.ts'
import { emitOnnx } from '#core/onnx/emit.ts'
import { encodeModel } from '#core/onnx/encode.ts'
import { lower } from '#core/model/lower.ts'
import { flopsByBlock } from '#core/model/counts.ts'
import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { initWeights } from '#core/model/weights.ts'
import { newGraph } from '#core/ops/index.ts'
import { adamw } from '#core/optim/adamw.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { grad } from '#core/passes/grad.ts'
import { differentiable, optimise } from '#core/passes/pipeline.ts'
import { rng } from '#core/rng.ts'
import { median } from '#core/stats/summary.ts'
import { profileStacks } from '#main/runtime/profile/profile.ts'
import { targetOf } from '#main/runtime/targets/index.ts'
import type { HostArray, Session } from '#main/runtime/targets/target.ts'

const HYBRID = 'd f m2 f a f d f m2 f a f'
const ATTENTION = 'a f a f a f a f a f a f'
const SHAPE = { batchSize: 8, seqLen: 256 }
const specOf = (pattern: string, settings = 'dModel: 256, vocabSize: 4096'): ArchSpec =>
  parseSpecText(`{${settings}} ${pattern}`)

const { values: options } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string' }, steps: { type: 'string', default: '6' } },
})
const wanted = (name: string): boolean => options.only === undefined || options.only.split(',').includes(name)
const results: Record<string, unknown> = {}
const say = (text: string): void => void (options.json === true || console.log(text))
const target = targetOf('ort-cpu')

/** Feeds of a training step on random tokens. */
function stepFeeds(spec: ArchSpec, step: number, { batchSize, seqLen }: typeof SHAPE): Record<string, HostArray> {
  const random = rng('bench', step)
  const { vocabSize } = resolveSpec(spec).settings
  const tokens = Int32Array.from({ length: batchSize * seqLen }, () => random.integer(vocabSize))
  const scalars = { lr: 1e-4, ...adamw.scalars(step, parseTrainConfig({ spec }).optimiser) }
  return {
    tokens,
    targets: tokens.map((t) => (t * 7 + 1) % vocabSize),
    ...Object.fromEntries(Object.entries(scalars).map(([k, v]) => [k, Float32Array.of(v)])),
  }
}

/** Losses of the first two steps of a small stack on both targets must agree before anything is timed. */
async function checkAgainstReference(pattern: string): Promise<void> {
  const spec = specOf(pattern, 'dModel: 32, vocabSize: 64')
  const shape = { batchSize: 2, seqLen: 24 }
  const losses: number[][] = []
  for (const kind of ['reference', 'ort-cpu']) {
    const { batch, weights } = trainPrograms(resolveSpec(spec), {
      ...shape,
      optimiser: parseTrainConfig({ spec }).optimiser,
      accumulation: 1,
    })
    const session = await targetOf(kind).open(batch, { initial: initWeights(weights, 1) })
    losses.push([1, 2].map((step) => session.runSync(stepFeeds(spec, step, shape), ['loss'])['loss']![0]!))
    session.close()
  }
  const worst = Math.max(...losses[0]!.map((x, i) => Math.abs(x - losses[1]![i]!)))
  if (!(worst < 1e-4)) throw new Error(`${pattern}: ort-cpu differs from the reference by ${worst}; nothing is timed`)
}

/** GFLOP/s of a chain of square products of the size that training uses most: the peak that the runtime reaches here. */
async function matmulPeak(): Promise<number> {
  const g = newGraph()
  const [m, k] = [2048, 512]
  let x = g.input('x', { dtype: 'f32', shape: [m, k] })
  const w = g.input('w', { dtype: 'f32', shape: [k, k] })
  for (let i = 0; i < 20; i++) x = g.matmul(x, w)
  g.output('y', x)
  const session = await target.open(
    { name: 'peak', phase: 'train', graph: g.finish(), bindings: [], frozen: ['w'] },
    { initial: new Map([['w', new Float32Array(k * k).fill(1e-3)]]) },
  )
  const feed = { x: new Float32Array(m * k).fill(1) }
  let best = Infinity
  const until = performance.now() + 1500
  while (performance.now() < until)
    best = Math.min(
      best,
      timed(() => session.runSync(feed)),
    )
  session.close()
  return (20 * 2 * m * k * k) / best / 1e6
}

function timed(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

const MATMUL = new Set(['MatMul', 'Gemm', 'FusedMatMul', 'FusedGemm', 'Inverse'])

/** Share of kernel time that matrix products take, over a few traced steps. */
async function matmulShare(spec: ArchSpec): Promise<number> {
  const { batch, weights } = trainPrograms(resolveSpec(spec), {
    ...SHAPE,
    optimiser: parseTrainConfig({ spec }).optimiser,
    accumulation: 1,
  })
  const session = await target.open(batch, { initial: initWeights(weights, 1), profile: true })
  for (let i = 1; i <= 3; i++) session.runSync(stepFeeds(spec, i, SHAPE))
  const events = session.trace!()
  session.close()
  const total = events.reduce((sum, e) => sum + e.microseconds, 0)
  return events.filter((e) => MATMUL.has(e.opType)).reduce((sum, e) => sum + e.microseconds, 0) / total
}

/** Bytes of values that the forward pass makes and the backward pass reads. */
function storedActivationBytes(graph: Graph): number {
  const kept = new Set<object>()
  let bytes = 0
  for (const node of graph.nodes) {
    if (!node.scope.endsWith('.grad')) continue
    for (const input of node.inputs) {
      if (
        input.node.scope.endsWith('.grad') ||
        input.node.op === 'input' ||
        input.node.op === 'constant' ||
        kept.has(input)
      )
        continue
      kept.add(input)
      bytes += 4 * sizeOf(input.type.shape)
    }
  }
  return bytes
}

/** The best seen so far: another program on the machine can only lower it. */
let peak = 0

async function benchTrain(name: string, pattern: string): Promise<void> {
  await checkAgainstReference(pattern)
  peak = Math.max(peak, await matmulPeak())
  const spec = specOf(pattern)
  const resolved = resolveSpec(spec)
  const started = performance.now()
  const { batch, weights } = trainPrograms(resolved, {
    ...SHAPE,
    optimiser: parseTrainConfig({ spec }).optimiser,
    accumulation: 1,
  })
  const session: Session = await target.open(batch, { initial: initWeights(weights, 1) })
  const toFirstStep = timed(() => session.runSync(stepFeeds(spec, 1, SHAPE)))
  const firstStepS = (performance.now() - started) / 1000
  const times: number[] = []
  for (let i = 0; i < Number(options.steps); i++)
    times.push(timed(() => session.runSync(stepFeeds(spec, i + 2, SHAPE))))
  const ms = median(times)
  const tokens = SHAPE.batchSize * SHAPE.seqLen
  const flops = 3 * flopsByBlock(lower(resolved, { phase: 'train', ...SHAPE }), resolved.blocks.length).total
  const gflops = flops / ms / 1e6
  const share = await matmulShare(spec)
  const weightBytes = weights.reduce((sum, w) => sum + 4 * sizeOf(w.shape), 0)
  const activations = storedActivationBytes(session.graph)
  session.close()
  results[`train ${name}`] = {
    pattern,
    tokensPerSecond: (tokens / ms) * 1000,
    msPerStep: ms,
    msMin: Math.min(...times),
    msMax: Math.max(...times),
    gflops,
    shareOfPeak: gflops / peak,
    matmulShare: share,
    specToFirstStepS: firstStepS - toFirstStep / 1000,
    firstStepS,
    weightBytes,
    storedActivationBytes: activations,
  }
  say(
    `train ${name.padEnd(10)} ${((tokens / ms) * 1000).toFixed(0)} tokens/s (${ms.toFixed(0)} ms/step, ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}), ${gflops.toFixed(0)} GFLOP/s = ${((100 * gflops) / peak).toFixed(0)} % of the MatMul peak, products ${(100 * share).toFixed(0)} % of kernel time, spec to ready ${(firstStepS - toFirstStep / 1000).toFixed(2)} s, first step done after ${firstStepS.toFixed(2)} s, weights ${(weightBytes / 2 ** 20).toFixed(0)} MiB, stored activations ${(activations / 2 ** 20).toFixed(0)} MiB`,
  )
}

async function benchBuild(): Promise<void> {
  const resolved = resolveSpec(specOf(HYBRID))
  const lowered = lower(resolved, { phase: 'train', ...SHAPE })
  const names = lowered.weights.map((w) => w.name)
  let program: Graph | undefined
  let bytes: Uint8Array = new Uint8Array()
  const rows = {
    lower: timed(() => void lower(resolved, { phase: 'train', ...SHAPE })),
    grad: timed(() => (program = grad(differentiable(lowered.graph), { loss: null }, names))),
    passes: timed(() => (program = optimise(program!, { claims: (n) => target.claims(n, 'train') }))),
    encode: timed(() => (bytes = encodeModel(emitOnnx(program!, { name: 'bench' })))),
  }
  const { batch, weights } = trainPrograms(resolved, {
    ...SHAPE,
    optimiser: parseTrainConfig({ spec: specOf(HYBRID) }).optimiser,
    accumulation: 1,
  })
  const session = await target.open(batch, { initial: initWeights(weights, 1) })
  results['build ms'] = {
    ...rows,
    session: session.times.sessionS * 1000,
    nodes: session.graph.nodes.length,
    forwardBackwardBytes: bytes.length,
  }
  say(
    `build         ${Object.entries(rows)
      .map(([k, v]) => `${k} ${v.toFixed(0)} ms`)
      .join(
        ', ',
      )}, session creation ${(session.times.sessionS * 1000).toFixed(0)} ms (${session.graph.nodes.length} nodes with the optimiser)`,
  )
  session.close()
}

async function benchDecode(): Promise<void> {
  const specs = blocks.map((block) =>
    parseSpec({
      heddle: 1,
      model: { dModel: 256, vocabSize: 4096 },
      blocks: [{ repeat: 4, blocks: [{ kind: block.kind }] }],
    }),
  )
  const profile = await profileStacks(specs, {
    target,
    phases: ['decode'],
    seed: 1,
    batchSize: 1,
    promptLen: 64,
    context: 512,
    limits: { maxMs: 20_000 },
  })
  results['decode floor ms'] = profile.floor.p50Ms
  const rows = profile.stacks.map(({ index, phases }) => ({
    kind: blocks[index]!.kind,
    tpotMs: phases[0]!.latency.p50Ms,
    low: phases[0]!.latency.lowMs,
    high: phases[0]!.latency.highMs,
  }))
  results['decode tpotMs, 4 blocks, dModel 256, context 512'] = rows
  say(`decode        4 blocks of a kind, dModel 256, batch 1, context 512; floor ${profile.floor.p50Ms.toFixed(4)} ms`)
  for (const row of rows)
    say(`  ${row.kind.padEnd(20)} ${row.tpotMs.toFixed(3)} ms [${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`)
}

if (wanted('build')) await benchBuild()
if (wanted('train')) {
  await benchTrain('hybrid', HYBRID)
  await benchTrain('attention', ATTENTION)
  results['matmul peak GFLOP/s'] = peak
  say(`MatMul peak   ${peak.toFixed(0)} GFLOP/s (2048 x 512 x 512, chained)`)
}
if (wanted('decode')) await benchDecode()
results['peak rss MiB'] = process.resourceUsage().maxRSS / 1024
say(`peak RSS      ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`)
if (options.json === true) console.log(JSON.stringify(results, null, 2))
