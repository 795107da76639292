// Hand-written kernels on this device: each sample forward and backward in bf16, compared with its meaning in f32 on the same
// random inputs. Ends with status 1 where an error is beyond the sample's tolerance. Run on a machine with a GPU:
// node tests/bench/cuda/check.ts [--only attention] [--seed 1] [--largest 100000]

import { parseArgs } from 'node:util'
import type { Program } from '#core/graph/program.ts'
import { sizeOf } from '#core/graph/types.ts'
import { rng } from '#core/rng.ts'
import type { Compute } from '#main/runtime/targets/cuda/schedule/precision.ts'
import type { CudaSession } from '#main/runtime/targets/cuda/session.ts'
import { openCuda } from '#main/runtime/targets/cuda/target.ts'
import { normError } from '../../helpers/assert-close.ts'
import { nativeSamples, sampleFeeds, sampleKinds, sampleProgram } from '../../helpers/native-samples.ts'
import type { NativeSample } from '../../helpers/native-samples.ts'

const { values: options } = parseArgs({
  options: {
    /** Part of the names of the samples to run. */
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    /** Samples with larger operands are passed over, in elements: for compute-sanitizer. */
    largest: { type: 'string', default: 'Infinity' },
  },
})

type Outputs = Readonly<Record<string, ArrayLike<number>>>

async function run(
  program: Program,
  feeds: Record<string, Float32Array>,
  compute: Compute,
): Promise<readonly [Outputs, CudaSession['claimed']]> {
  const session = await openCuda(program, { initial: new Map(), decomposeAll: compute === 'f32' }, compute)
  try {
    const names = program.graph.outputs.map(({ name }) => name)
    const outputs = await session.run(feeds, names)
    return [Object.fromEntries(names.map((name) => [name, outputs[name]!.slice()])), session.claimed]
  } finally {
    session.close()
  }
}

/** Whether every output of a sample is near enough. */
async function check(sample: NativeSample): Promise<boolean> {
  const program = sampleProgram(sample)
  const feeds = sampleFeeds(program, sample, rng(`${sample.name} ${options.seed}`))
  const [expected] = await run(program, feeds, 'f32')
  const [actual, claimed] = await run(program, feeds, 'bf16')
  const [again] = await run(program, feeds, 'bf16')
  const isClaimed = [...sampleKinds(sample)].every((kind) => claimed.some(({ op }) => op === kind.split(' ')[0]))
  const errors = Object.keys(expected).map((name) => [name, normError(actual[name]!, expected[name]!)] as const)
  const isRepeated = Object.keys(actual).every((name) => normError(again[name]!, actual[name]!) === 0)
  // an error that is not a number is no success either
  const isNear = errors.every(([, error]) => error <= sample.tolerance)
  const complaints = [
    ...(isClaimed ? [] : ['not claimed']),
    ...(isNear ? [] : [`beyond ${sample.tolerance}`]),
    ...(isRepeated ? [] : ['another run differs']),
  ]
  const shown = errors.map(([name, error]) => `${name} ${error.toExponential(2)}`).join('  ')
  console.log(`${complaints.length === 0 ? 'ok  ' : 'FAIL'} ${sample.name}: ${shown}  ${complaints.join(', ')}`)
  return complaints.length === 0
}

const chosen = nativeSamples.filter(
  ({ name, inputs }) =>
    name.includes(options.only) && Object.values(inputs).every((shape) => sizeOf(shape) <= Number(options.largest)),
)
let failures = 0
for (const sample of chosen) if (!(await check(sample))) failures++
console.log(`${chosen.length - failures} of ${chosen.length} samples near enough`)
process.exitCode = failures === 0 && chosen.length > 0 ? 0 : 1
