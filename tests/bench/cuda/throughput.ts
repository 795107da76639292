// Throughput mode: a long input and the largest batch whose plan fits the free memory, for prefill and for decoding, and
// decoding in the batch of the prefill too.

import { largestBatch } from '#main/runtime/profile/largest-batch.ts'
import type { InferenceProgram } from '#main/runtime/profile/programs.ts'
import { decodeProgram, prefillProgram } from '#main/runtime/profile/programs.ts'
import { cuda, openCuda, openDevice } from '#main/runtime/targets/cuda/target.ts'
import { rng } from '#core/rng.ts'
import { modelNamed, spreadText, timingWeights } from './decode.ts'
import { spread } from './numbers.ts'

type Phase = 'prefill' | 'decode'

const REPEATS = 7
/** Runs that are timed together: some for a token, one for a prompt. */
const RUNS = { prefill: 1, decode: 10 } as const

export async function benchThroughput(name: string, promptLen: number): Promise<void> {
  const resolved = modelNamed(name)
  const { vocabSize, metaTokens } = resolved.settings
  const programOf = (phase: Phase, batchSize: number): InferenceProgram => {
    const shape = { batchSize, promptLen, context: promptLen }
    return phase === 'prefill' ? prefillProgram(resolved, shape) : decodeProgram(resolved, shape)
  }

  /** The largest batch, with what stands in the way of one sequence more. */
  const fitting = (phase: Phase): { readonly batch: number; readonly why: string } => {
    const free = cuda.freeBytes!()
    const started = performance.now()
    let plans = 0
    const planAt = (batch: number): { readonly bytes: number; readonly limit: string | undefined } => {
      plans++
      return cuda.plan!(programOf(phase, batch).program)
    }
    const batch = largestBatch((size) => {
      const { bytes, limit } = planAt(size)
      return limit === undefined ? bytes : Infinity
    }, free)
    const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`
    const next = planAt(batch + 1)
    const why = `${next.limit ?? `it would need ${gib(next.bytes)}`}; ${gib(free)} free; ${plans} plans in ${((performance.now() - started) / 1000).toFixed(1)} s`
    return { batch, why }
  }

  const measure = async (phase: Phase, batch: number): Promise<void> => {
    const { program, weights } = programOf(phase, batch)
    const session = await openCuda(program, { initial: timingWeights(weights) }, 'bf16')
    try {
      const random = rng('cuda-throughput', 1)
      const length = phase === 'prefill' ? promptLen : 1
      const tokens = Int32Array.from({ length: batch * length }, () => random.integer(vocabSize))
      const feeds = { tokens, ...(phase === 'decode' && { position: Int32Array.of(metaTokens + promptLen - 1) }) }
      const { logits } = session.runSync(feeds, ['logits'])
      if (!logits!.every(Number.isFinite)) throw new Error(`${name}: logits are not finite`)
      const runs = RUNS[phase]
      session.runTimes(runs, 1)
      const device = session.runTimes(runs, REPEATS)
      const wall = Array.from({ length: REPEATS }, () => {
        const before = performance.now()
        for (let i = 0; i < runs; i++) session.runSync(feeds)
        return (performance.now() - before) / runs
      })
      const perSecond = (ms: readonly number[]): string => ((1000 * batch * length) / spread(ms).middle).toFixed(0)
      console.log(
        `  ${phase} batch ${batch}: ${perSecond(device)} tokens/s, device ${spreadText(device, 'ms', 3)}; wall clock ${perSecond(wall)} tokens/s, ${spreadText(wall, 'ms', 3)}; n=${REPEATS} x ${runs} runs; ${session.schedule.steps.filter((step) => !step.isOnce).length} launches`,
      )
    } finally {
      session.close()
    }
  }

  console.log(`${name}, ${promptLen} tokens of input, on ${openDevice().title}`)
  const batches = { prefill: fitting('prefill'), decode: fitting('decode') }
  for (const phase of ['prefill', 'decode'] as const) {
    const { batch, why } = batches[phase]
    console.log(`  ${phase}: the largest batch is ${batch}; one more: ${why}`)
    if (batch > 0) await measure(phase, batch)
  }
  const shared = Math.min(batches.prefill.batch, batches.decode.batch)
  if (shared > 0 && shared < batches.decode.batch) await measure('decode', shared)
}
