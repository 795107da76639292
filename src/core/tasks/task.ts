// What a synthetic task is: a skill (recall, copying, state tracking) posed as sequences drawn from a seed, with the
// positions at which a model is asked marked in the targets.
//
// Test sequences never repeat training ones. Every sequence belongs to exactly one split, decided by a hash of its
// tokens (a quarter of all sequences is `test`), and a batch of a split keeps only sequences of that split. Different
// seeds alone would not do: there are only 2^16 parity sequences of length 16, and a long run sees most of them.

import type { Entry } from '../entry.ts'
import { HeddleError } from '../errors.ts'
import { resolveParams, show } from '../params.ts'
import type { ParamSchema, ParamValues, ValuesOf } from '../params.ts'
import { rng as rngOf } from '../rng.ts'
import type { Rng } from '../rng.ts'

/** The target of a position that carries neither loss nor score. */
export const IGNORE = -100

/** The most tokens that one batch may hold. */
export const MAX_BATCH_TOKENS = 2 ** 24

export type Split = 'train' | 'test'

export interface BatchSize {
  /** B */
  readonly batchSize: number
  /** T */
  readonly seqLen: number
  /** Keep only sequences of this split. Absent: sequences of both. */
  readonly split?: Split
}

export interface Batch {
  readonly batchSize: number
  readonly seqLen: number
  /** Token ids, row-major. [B, T] */
  readonly tokens: Int32Array
  /** `targets[t]` is the token to predict after reading `tokens[0..t]`, or `IGNORE`. [B, T] */
  readonly targets: Int32Array
}

/** Accuracy as a fraction that adds up over batches. */
export interface Score {
  readonly correct: number
  readonly total: number
}

/**
 * A synthetic task. Every function takes parameters as given (missing ones get their defaults) and throws HeddleError
 * `param-invalid` when they are out of range or do not fit together.
 */
export interface Task extends Entry {
  /** What `score` counts. */
  readonly scoreName: string
  /** A sequence length that suits the default parameters. */
  readonly defaultSeqLen: number
  /** Token ids and targets lie in `[0, vocabSize)`. */
  vocabSize(params: ParamValues): number
  /** The shortest sequence that holds the task; every longer one does too. */
  minSeqLen(params: ParamValues): number
  /** Expected accuracy of guessing evenly among the tokens that can be an answer, without reading the sequence. */
  chance(params: ParamValues): number
  /** Draws sequences; the same state of `rng` gives the same batch. Also throws when `seqLen` is below `minSeqLen`. */
  batch(rng: Rng, size: BatchSize, params: ParamValues): Batch
  /** Compares the most likely token of each position [B, T] with the targets, where there is one. */
  score(logitsArgmax: Int32Array, batch: Batch): Score
}

/** Writes one sequence: every token [T], and the targets [T], which arrive filled with `IGNORE`. */
export type SequenceWriter = (rng: Rng, tokens: Int32Array, targets: Int32Array) => void

/** What a task's file states; `defineTask` adds checks, batching, splits and scoring. */
export interface TaskDefinition<S extends ParamSchema> extends Entry<S> {
  readonly scoreName: string
  readonly defaultSeqLen: number
  /** Rules between parameters: the name of the offending one and a message showing value and rule, or undefined. */
  conflict?(params: ValuesOf<S>): { readonly param: string; readonly message: string } | undefined
  vocabSize(params: ValuesOf<S>): number
  /** The shortest sequence, and the rule that gives it with the values put in, e.g. `4 x numKvPairs (8)`. */
  shortest(params: ValuesOf<S>): { readonly seqLen: number; readonly rule: string }
  chance(params: ValuesOf<S>): number
  /** Prepares whatever sequences of one length share. `seqLen` is at least the shortest. */
  writer(params: ValuesOf<S>, seqLen: number): SequenceWriter
}

/** Makes a Task of its definition. */
export function defineTask<const S extends ParamSchema>(definition: TaskDefinition<S>): Task {
  const { kind, title, doc, params: schema, scoreName, defaultSeqLen } = definition
  const settle = (given: ParamValues): ValuesOf<S> => {
    const params = resolveParams(schema, given, { dModel: 0 }, 'params')
    const conflict = definition.conflict?.(params)
    if (conflict !== undefined)
      throw new HeddleError('param-invalid', `${kind}: ${conflict.message}`, { path: `params.${conflict.param}` })
    return params
  }
  return {
    kind,
    title,
    doc,
    params: schema,
    scoreName,
    defaultSeqLen,
    vocabSize: (given) => definition.vocabSize(settle(given)),
    minSeqLen: (given) => definition.shortest(settle(given)).seqLen,
    chance: (given) => definition.chance(settle(given)),
    batch: (rng, size, given) => {
      const params = settle(given)
      checkSize(kind, size, definition.shortest(params))
      return writeBatch(kind, rng, size, definition.writer(params, size.seqLen))
    },
    score: scoreTargets,
  }
}

/** The split to which a sequence belongs, by a hash of its tokens: three quarters `train`, one quarter `test`. */
export function splitOf(tokens: Int32Array): Split {
  let hash = 0x811c9dc5
  for (const token of tokens) hash = Math.imul(hash ^ token, 0x01000193)
  // spread the low bits, where FNV-1a mixes best, over the two bits that decide
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 30 === 0 ? 'test' : 'train'
}

/** Which batch of a run: a run is its seed, and batch `index` can be drawn without those before it. */
export interface BatchKey {
  readonly seed: number
  readonly split: Split
  readonly index: number
}

/** One batch of a run, from a random stream of its own. Test batches hold no sequence that a training batch can hold. */
export function drawBatch(
  task: Task,
  key: BatchKey,
  size: { readonly batchSize: number; readonly seqLen: number },
  params: ParamValues,
): Batch {
  const { seed, split, index } = key
  return task.batch(rngOf(seed, task.kind, split, index), { ...size, split }, params)
}

function checkSize(kind: string, size: BatchSize, shortest: { seqLen: number; rule: string }): void {
  const { batchSize, seqLen } = size
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new HeddleError('param-invalid', `${kind}: batchSize (${show(batchSize)}) must be a positive integer`, {
      path: 'batchSize',
    })
  if (!Number.isInteger(seqLen) || seqLen < shortest.seqLen)
    throw new HeddleError(
      'param-invalid',
      `${kind}: seqLen (${show(seqLen)}) must be an integer of at least ${shortest.rule} = ${shortest.seqLen}`,
      { path: 'seqLen', hint: 'take a longer sequence or a smaller task' },
    )
  if (batchSize * seqLen > MAX_BATCH_TOKENS)
    throw new HeddleError(
      'param-invalid',
      `${kind}: batchSize (${batchSize}) x seqLen (${seqLen}) must be at most ${MAX_BATCH_TOKENS} tokens`,
      { path: 'batchSize' },
    )
}

function writeBatch(kind: string, rng: Rng, size: BatchSize, write: SequenceWriter): Batch {
  const { batchSize, seqLen, split } = size
  const tokens = new Int32Array(batchSize * seqLen)
  const targets = new Int32Array(batchSize * seqLen)
  // the chance that a split with a quarter of the sequences is missed a thousand times is below 1e-124
  const attempts = 1000
  for (let row = 0; row < batchSize; row++) {
    const rowTokens = tokens.subarray(row * seqLen, (row + 1) * seqLen)
    const rowTargets = targets.subarray(row * seqLen, (row + 1) * seqLen)
    for (let attempt = 0; ; attempt++) {
      if (attempt === attempts)
        throw new HeddleError(
          'param-invalid',
          `${kind}: seqLen (${seqLen}) leaves no sequence for the ${split} split`,
          {
            path: 'seqLen',
            hint: 'take a longer sequence',
          },
        )
      rowTargets.fill(IGNORE)
      write(rng, rowTokens, rowTargets)
      if (split === undefined || splitOf(rowTokens) === split) break
    }
  }
  return { batchSize, seqLen, tokens, targets }
}

function scoreTargets(logitsArgmax: Int32Array, batch: Batch): Score {
  const { targets } = batch
  if (logitsArgmax.length !== targets.length)
    throw new Error(`score: ${logitsArgmax.length} predictions for ${targets.length} targets`)
  let correct = 0
  let total = 0
  for (let i = 0; i < targets.length; i++) {
    if (targets[i] === IGNORE) continue
    total++
    if (logitsArgmax[i] === targets[i]) correct++
  }
  return { correct, total }
}
