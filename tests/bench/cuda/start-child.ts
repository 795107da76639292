// A process of its own for `start.ts`: trains 200 steps of a stack, then of the same stack again as a new candidate.

import { firstValuesOf } from '#core/optim/first-values.ts'
import { cuda, openCuda } from '#main/runtime/targets/cuda/target.ts'
import { drawWeights } from '#main/runtime/weights/draw.ts'
import { trainingCase } from './stacks.ts'

const STEPS = 200

async function candidate(name: string): Promise<string> {
  const started = performance.now()
  const { config, programs, feeds } = trainingCase(name, 512)
  const lowered = performance.now()
  const initial = drawWeights(programs.weights, firstValuesOf(config, programs.weights))
  const drawing = performance.now()
  const session = await openCuda(programs.batch, { initial }, 'bf16')
  const opened = performance.now()
  // as a training does it: the next step is asked for while one is under way
  let before = session.run(feeds(1), ['loss'])
  for (let step = 2; step <= STEPS; step++) {
    const next = session.run(feeds(step), ['loss'])
    await before
    before = next
  }
  const loss = (await before)['loss']![0]!
  const ended = performance.now()
  session.close()
  const { passesS, encodeS, sessionS } = session.times
  const { compileS, captureS, deviceS } = session.prepared
  const rest = sessionS - deviceS - compileS - captureS
  const parts = {
    lower: lowered - started,
    'threads for weights': drawing - lowered,
    device: 1000 * deviceS,
    passes: 1000 * passesS,
    schedule: 1000 * encodeS,
    kernels: 1000 * compileS,
    'products and capture': 1000 * captureS,
    'waiting for weights, memory and first copies': 1000 * rest,
    [`${STEPS} steps`]: ended - opened,
  }
  const texts = Object.entries(parts).map(([part, ms]) => `${part} ${(ms / 1000).toFixed(2)}`)
  return `${texts.join(', ')} s, loss ${loss.toFixed(3)}`
}

cuda.wake?.()
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
