// Texts to scored token sequences, as the harness does it: context and continuation are tokenised together, and what comes
// after as many tokens as the context alone has is scored.

import { HeddleError } from '#core/errors.ts'
import { IGNORE_INDEX } from '#core/model/lower.ts'
import type { Tokenizer } from '../data/tokenizer.ts'
import type { Continuation } from './task.ts'

/** A sequence whose last targets are scored. */
export interface Request {
  /** What the model reads. */
  readonly tokens: Int32Array
  /** The next token at each place; -100 where it belongs to the context. */
  readonly targets: Int32Array
  /** Context was cut on the left to fit. */
  readonly isTruncated: boolean
}

/**
 * Encodes one continuation for a model that reads `maxLength` tokens.
 * @param where names the question in messages
 * @throws HeddleError `corpus-invalid` when the continuation has no token or does not fit, or an empty context has no
 * end-of-document token to stand for it
 */
export function encodeRequest(
  { context, continuation }: Continuation,
  tokenizer: Tokenizer,
  maxLength: number,
  where: string,
): Request {
  // spaces at the end of a context belong to the first token of what follows
  const kept = context.trimEnd()
  const tail = context.slice(kept.length) + continuation
  const before = kept === '' ? emptyContext(tokenizer, where) : tokenizer.encode(kept)
  const whole = kept === '' ? Uint32Array.of(...before, ...tokenizer.encode(tail)) : tokenizer.encode(kept + tail)
  const scored = whole.length - before.length
  if (scored < 1)
    throw new HeddleError(
      'corpus-invalid',
      `the continuation ${JSON.stringify(continuation.slice(0, 40))} has no token of its own`,
      { path: where, hint: 'the tokenizer joins it with the context' },
    )
  if (scored > maxLength)
    throw new HeddleError(
      'corpus-invalid',
      `a continuation has ${scored} tokens, more than the ${maxLength} that the model is given`,
      { path: where, hint: 'raise --max-length' },
    )
  // T tokens are read and the T after them predicted, so one more fits
  const window = whole.subarray(Math.max(0, whole.length - (maxLength + 1)))
  const tokens = Int32Array.from(window.subarray(0, -1))
  const targets = Int32Array.from(window.subarray(1))
  targets.fill(IGNORE_INDEX, 0, targets.length - scored)
  return { tokens, targets, isTruncated: window.length < whole.length }
}

function emptyContext(tokenizer: Tokenizer, where: string): Uint32Array {
  if (tokenizer.endOfDocument !== null) return Uint32Array.of(tokenizer.endOfDocument)
  throw new HeddleError(
    'corpus-invalid',
    'the context is empty, and the tokenizer has no token between documents to stand for it',
    { path: where },
  )
}
