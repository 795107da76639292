// Text token by token: a prefill of the prompt, then one decode step a token. Draws are part of both graphs, so that they
// happen where the logits are and mean the same on every target.

import { HeddleError } from '#core/errors.ts'
import type { EvalModel } from '../eval/model.ts'
import { decodeProgram, prefillProgram } from '../profile/programs.ts'
import type { HostArray, Session, Target } from '../targets/target.ts'

export interface GenerateOptions {
  /** Divides the logits before the softmax that is drawn from; 0 takes the likeliest token. */
  readonly temperature: number
  readonly seed: number
  /** Tokens to draw, at most. */
  readonly count: number
  /** The token behind which nothing follows. */
  readonly end?: number | undefined
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onToken?: ((done: number) => void) | undefined
}

/** Sequences that continue prompts of one length, [batch][count or less]; a sequence ends with `end`, which it does not hold. */
export async function generate(
  { resolved, weights }: EvalModel,
  prompts: readonly Int32Array[],
  target: Target,
  options: GenerateOptions,
): Promise<number[][]> {
  const { count, end, signal } = options
  const batchSize = prompts.length
  const promptLen = prompts[0]!.length
  const { metaTokens } = resolved.settings
  const shape = { batchSize, promptLen, context: promptLen + count }
  const draw = { temperature: Float32Array.of(options.temperature), seed: Int32Array.of(options.seed) }
  const open = { initial: weights, ...(options.threads !== undefined && { threads: options.threads }) }
  const drawn: number[][] = prompts.map(() => [])
  const ended = new Set<number>()
  const take = ({ next }: Readonly<Record<string, HostArray>>): Int32Array => {
    next!.forEach((token, row) => {
      if (token === end) ended.add(row)
      if (!ended.has(row)) drawn[row]!.push(token)
    })
    return next as Int32Array
  }
  const prefill = prefillProgram(resolved, shape, ['next'])
  const decode = decodeProgram(resolved, shape, ['next'])
  const first = await withSession(await target.open(prefill.program, open), (session) =>
    session.run({ tokens: Int32Array.from(prompts.flatMap((prompt) => [...prompt])), ...draw }, [
      'next',
      ...prefill.states.map(({ name }) => `next.${name}`),
    ]),
  )
  let tokens = take(first)
  if (count === 1) return drawn
  return withSession(await target.open(decode.program, open), async (session) => {
    for (const { name } of prefill.states) session.write(name, first[`next.${name}`] as Float32Array)
    for (let done = 1; done < count && ended.size < batchSize; done++) {
      if (signal?.aborted === true) throw new HeddleError('job-cancelled', `cancelled after ${done} tokens`)
      options.onToken?.(done)
      const position = Int32Array.of(metaTokens + promptLen + done - 1)
      tokens = take(await session.run({ tokens, position, ...draw }, ['next']))
    }
    return drawn
  })
}

async function withSession<T>(session: Session, use: (session: Session) => Promise<T>): Promise<T> {
  try {
    return await use(session)
  } finally {
    session.close()
  }
}
