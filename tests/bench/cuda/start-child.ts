// A process of its own for `start.ts`: trains 200 steps of a stack, then of the same stack again as a new candidate.

import { openCuda } from '#main/runtime/targets/cuda/target.ts'
import { firstWeights } from '#main/runtime/train/train.ts'
import { trainingCase } from './stacks.ts'

const STEPS = 200

async function candidate(name: string): Promise<string> {
  const started = performance.now()
  const { config, programs, feeds } = trainingCase(name, 512)
  const lowered = performance.now()
  const initial = firstWeights(config, programs.weights)
  const drawn = performance.now()
  const session = await openCuda(programs.batch, { initial }, 'bf16')
  const opened = performance.now()
  let loss = NaN
  for (let step = 1; step <= STEPS; step++) loss = (await session.run(feeds(step), ['loss']))['loss']![0]!
  const ended = performance.now()
  session.close()
  const s = (from: number, to: number): string => ((to - from) / 1000).toFixed(2)
  return `lower ${s(started, lowered)}, weights ${s(lowered, drawn)}, open ${s(drawn, opened)} (kernels ${session.prepared.compileS.toFixed(2)}), ${STEPS} steps ${s(opened, ended)} s, loss ${loss.toFixed(3)}`
}

const name = process.argv[2]!
const first = await candidate(name)
// counted from the start of the process
console.log(`step ${STEPS} after ${(performance.now() / 1000).toFixed(2)} s (${first})`)
const before = performance.now()
const second = await candidate(name)
console.log(
  `  the next candidate in the same process: ${((performance.now() - before) / 1000).toFixed(2)} s (${second})`,
)
process.exit(0)
