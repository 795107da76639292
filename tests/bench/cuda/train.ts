// Training throughput: many steps back to back, the median of some repeats, and what each kind of step costs.

import { firstValuesOf } from '#core/optim/first-values.ts'
import { openCuda } from '#main/runtime/targets/cuda/target.ts'
import { printSchedule } from '#main/runtime/targets/cuda/schedule/print.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import { drawWeights } from '#main/runtime/weights/draw.ts'
import { spread } from './numbers.ts'
import { TOKENS_PER_STEP, trainingCase } from './stacks.ts'

const STEPS_PER_REPEAT = 10
/** Lines of the table of costs. */
const COST_LINES = 45

export interface TrainOptions {
  readonly compute: Compute
  readonly repeats: number
  readonly showSchedule: boolean
  readonly showCosts: boolean
  /** FLOP/s of a large product on the same device in the same process. */
  readonly peak: number
}

export async function benchTraining(name: string, seqLen: number, options: TrainOptions): Promise<void> {
  const { compute, repeats, showSchedule, showCosts, peak } = options
  const started = performance.now()
  const { config, programs, flops, feeds } = trainingCase(name, seqLen)
  const session = await openCuda(
    programs.batch,
    { initial: drawWeights(programs.weights, firstValuesOf(config, programs.weights)) },
    compute,
  )
  const { passesS, encodeS, sessionS } = session.times
  const { compileS, compiled, cached } = session.prepared
  const lowerS = (performance.now() - started) / 1000 - passesS - encodeS - sessionS
  console.log(
    `${name} seq ${seqLen} ${compute}: lower and first weights ${lowerS.toFixed(2)} s, passes ${passesS.toFixed(2)} s, schedule ${encodeS.toFixed(2)} s, kernels ${compileS.toFixed(2)} s (${compiled} compiled, ${cached} cached), open ${(sessionS - compileS).toFixed(2)} s; ${printSchedule(session.schedule).trim().split('\n').slice(-2).join('; ')}`,
  )
  const losses: number[] = []
  let step = 1
  for (; step <= 5; step++) losses.push((await session.run(feeds(step), ['loss']))['loss']![0]!)
  const times: number[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const before = performance.now()
    for (let i = 0; i < STEPS_PER_REPEAT; i++) session.start(feeds(step++))
    await session.finish()
    times.push((performance.now() - before) / STEPS_PER_REPEAT)
  }
  losses.push((await session.run(feeds(step++), ['loss']))['loss']![0]!)
  const { low, middle, high } = spread(times)
  console.log(
    `  ${middle.toFixed(2)} ms a step (quartiles ${low.toFixed(2)} to ${high.toFixed(2)}, ${times.length} x ${STEPS_PER_REPEAT} steps), ${((TOKENS_PER_STEP / middle) * 1000).toFixed(0)} tokens/s, ${(flops / middle / 1e9).toFixed(1)} TFLOP/s of the model, ${((flops / middle / 1e-3 / peak) * 100).toFixed(0)} % of a large product; losses ${losses.map((l) => l.toFixed(3)).join(' ')}`,
  )
  if (showSchedule) console.log(printSchedule(session.schedule))
  if (showCosts) printCosts(session.trace?.() ?? [])
  session.close()
}

/** Time by kind of step and scope, the largest first. */
function printCosts(
  events: readonly { readonly node: string; readonly opType: string; readonly microseconds: number }[],
): void {
  const groups = new Map<string, { count: number; us: number }>()
  for (const { node, opType, microseconds } of events) {
    const key = `${node.replace(/^L\d+/, 'L')} ${opType}`
    const group = groups.get(key) ?? { count: 0, us: 0 }
    groups.set(key, { count: group.count + 1, us: group.us + microseconds })
  }
  const total = events.reduce((sum, e) => sum + e.microseconds, 0) / 1000
  console.log(`  ${events.length} steps, one by one ${total.toFixed(2)} ms`)
  for (const [key, { count, us }] of [...groups].sort((a, b) => b[1].us - a[1].us).slice(0, COST_LINES))
    console.log(`  ${us.toFixed(0).padStart(8)} us ${String(count).padStart(5)}x  ${key}`)
}
