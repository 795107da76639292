// What the native CUDA target does on this device: training throughput of three stacks. Run on a machine with a GPU:
// node tests/bench/cuda-bench.ts [--only T1,T2,T3] [--seq 512,2048] [--compute bf16] [--repeats 5] [--trace]

import { parseArgs } from 'node:util'
import { lower } from '#core/model/lower.ts'
import { flopsByBlock } from '#core/model/counts.ts'
import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText } from '#core/model/text.ts'
import { adamw } from '#core/optim/adamw.ts'
import { parseTrainConfig } from '#core/optim/train-config.ts'
import { trainPrograms } from '#core/optim/train-program.ts'
import { rng } from '#core/rng.ts'
import { openCuda } from '#main/runtime/targets/cuda/target.ts'
import { printSchedule } from '#main/runtime/targets/cuda/schedule/print.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import { firstWeights } from '#main/runtime/train/train.ts'

const PATTERN = 'd f m2 f a f d f m2 f a f'
const STACKS: Readonly<Record<string, { readonly dModel: number; readonly blocks: string }>> = {
  T1: { dModel: 512, blocks: PATTERN },
  T2: { dModel: 1024, blocks: `(${PATTERN})x2` },
  T3: { dModel: 1024, blocks: '(a f)x12' },
}
const TOKENS_PER_STEP = 16_384
const STEPS_PER_REPEAT = 10

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'T1,T2,T3' },
    seq: { type: 'string', default: '512' },
    compute: { type: 'string', default: 'bf16' },
    repeats: { type: 'string', default: '5' },
    trace: { type: 'boolean' },
    schedule: { type: 'boolean' },
  },
})

function quartiles(values: readonly number[]): readonly [number, number, number] {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!
  return [at(0.25), at(0.5), at(0.75)]
}

async function benchTraining(name: string, seqLen: number, compute: Compute): Promise<void> {
  const started = performance.now()
  const { dModel, blocks } = STACKS[name]!
  const ffn = blocks.replaceAll(/\bf\b/g, `f{intermediateSize: ${3 * dModel}}`)
  const spec = parseSpecText(`{dModel: ${dModel}, vocabSize: 8192} ${ffn}`)
  const resolved = resolveSpec(spec)
  const config = parseTrainConfig({ spec })
  const batchSize = TOKENS_PER_STEP / seqLen
  const shape = { batchSize, seqLen, optimiser: config.optimiser, accumulation: 1 }
  const programs = trainPrograms(resolved, shape)
  const session = await openCuda(programs.batch, { initial: firstWeights(config, programs.weights) }, compute)
  const { passesS, encodeS, sessionS } = session.times
  const { compileS, compiled, cached } = session.prepared
  console.log(
    `${name} seq ${seqLen} ${compute}: lower ${((performance.now() - started) / 1000 - passesS - encodeS - sessionS).toFixed(2)} s, passes ${passesS.toFixed(2)} s, schedule ${encodeS.toFixed(2)} s, kernels ${compileS.toFixed(2)} s (${compiled} compiled, ${cached} cached), open ${(sessionS - compileS).toFixed(2)} s; ${printSchedule(session.schedule).trim().split('\n').slice(-2).join('; ')}`,
  )
  const random = rng('cuda-bench', 1)
  const tokens = Int32Array.from({ length: TOKENS_PER_STEP }, () => random.integer(8192))
  const feeds = (step: number): Record<string, Float32Array | Int32Array> => ({
    tokens,
    targets: tokens.map((t) => (t * 7 + 1) % 8192),
    ...Object.fromEntries(
      Object.entries({ lr: 1e-3, ...adamw.scalars(step, config.optimiser) }).map(([k, v]) => [k, Float32Array.of(v)]),
    ),
  })
  const losses: number[] = []
  let step = 1
  for (; step <= 5; step++) losses.push((await session.run(feeds(step), ['loss']))['loss']![0]!)
  const times: number[] = []
  for (let repeat = 0; repeat < Number(options.repeats); repeat++) {
    const before = performance.now()
    for (let i = 0; i < STEPS_PER_REPEAT; i++) session.start(feeds(step++))
    await session.finish()
    times.push((performance.now() - before) / STEPS_PER_REPEAT)
  }
  losses.push((await session.run(feeds(step++), ['loss']))['loss']![0]!)
  const [low, middle, high] = quartiles(times)
  // a backward pass does the forward pass's products twice
  const flops = 3 * flopsByBlock(lower(resolved, { phase: 'train', batchSize, seqLen }), resolved.blocks.length).total
  console.log(
    `  ${middle.toFixed(2)} ms a step (quartiles ${low.toFixed(2)} to ${high.toFixed(2)}, ${times.length} x ${STEPS_PER_REPEAT} steps), ${((TOKENS_PER_STEP / middle) * 1000).toFixed(0)} tokens/s, ${(flops / middle / 1e9).toFixed(1)} TFLOP/s; losses ${losses.map((l) => l.toFixed(3)).join(' ')}`,
  )
  if (options.schedule === true) console.log(printSchedule(session.schedule))
  if (options.trace === true) printTrace(session.trace?.() ?? [])
  session.close()
}

/** Time by kind of step and scope, the largest first. */
function printTrace(
  events: readonly { readonly node: string; readonly opType: string; readonly microseconds: number }[],
): void {
  const groups = new Map<string, { count: number; us: number }>()
  for (const { node, opType, microseconds } of events) {
    const key = `${node.replace(/^L\d+/, 'L')} ${opType}`
    const group = groups.get(key) ?? { count: 0, us: 0 }
    groups.set(key, { count: group.count + 1, us: group.us + microseconds })
  }
  console.log(
    `  sum of steps on their own ${(events.reduce((sum, e) => sum + e.microseconds, 0) / 1000).toFixed(2)} ms`,
  )
  for (const [key, { count, us }] of [...groups].sort((a, b) => b[1].us - a[1].us).slice(0, 45))
    console.log(`  ${us.toFixed(0).padStart(8)} us ${String(count).padStart(5)}x  ${key}`)
}

for (const seqLen of options.seq.split(',').map(Number))
  for (const name of options.only.split(',')) await benchTraining(name, seqLen, options.compute as Compute)
