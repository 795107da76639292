// What a question is: texts whose likelihoods are compared. Contexts, continuations and scores are those of
// lm-evaluation-harness 0.4, so that numbers compare with published ones.

/** A text whose likelihood is asked for after another. */
export interface Continuation {
  readonly context: string
  readonly continuation: string
}

/** One question. */
export interface Example {
  /** One for each choice; a last-word question has one. */
  readonly requests: readonly Continuation[]
  /** Index of the right choice. */
  readonly gold: number
  /** Characters of each choice, for the length-normalised score. */
  readonly lengths: readonly number[]
}

export type EvalMetric = 'acc' | 'acc_norm' | 'perplexity'

/** A format of questions: one JSON object a line. */
export interface EvalTask {
  readonly kind: string
  readonly title: string
  /** The fields that a line has. */
  readonly doc: string
  readonly metrics: readonly EvalMetric[]
  /** `choice`: the likeliest choice is the answer. `greedy`: the continuation must be what the model would write. */
  readonly scoring: 'choice' | 'greedy'
  /** Reads one line; `line` reports what is wrong with it. */
  read(line: Line): Example
}

/** The fields of one line with checks that name the line and the field. */
export interface Line {
  readonly fields: Readonly<Record<string, unknown>>
  /** The text of a field, not empty after trimming. */
  text(name: string): string
  /** Throws HeddleError `corpus-invalid`: `line 3: "label" (7) must be 0 or 1`. */
  fail(name: string, value: unknown, rule: string): never
}
