// The table of metrics: one row makes an axis, a column, a unit and an objective.

export interface Metric {
  readonly kind: string
  readonly title: string
  readonly unit: string
  /** Which way is better; undefined where neither is. */
  readonly better: 'lower' | 'higher' | undefined
  readonly doc: string
  /** The measured metric that this one predicts: never to be mixed with it. */
  readonly predicts?: string
}

const metric = (kind: string, title: string, unit: string, better: Metric['better'], doc: string): Metric => ({
  kind,
  title,
  unit,
  better,
  doc,
})

export const metrics: readonly Metric[] = [
  metric('loss', 'Training loss', 'nats/token', 'lower', "Mean cross-entropy of the step's batch before the step."),
  metric('valLoss', 'Validation loss', 'nats/token', 'lower', 'Mean cross-entropy over held-out documents.'),
  metric('perplexity', 'Perplexity', '', 'lower', 'e to the validation loss.'),
  metric(
    'bitsPerByte',
    'Bits per byte',
    'bits/byte',
    'lower',
    'Validation loss in bits over the UTF-8 bytes that the scored tokens cover; compares across tokenizers.',
  ),
  metric('accuracy', 'Accuracy', '', 'higher', 'Share of scored positions where the most likely token is right.'),
  metric('lr', 'Learning rate', '', undefined, 'Learning rate of the step.'),
  metric('gradNorm', 'Gradient norm', '', undefined, 'Global L2 norm of the gradients before clipping.'),
  metric('weightNorm', 'Weight norm', '', undefined, 'Global L2 norm of the weights after the step.'),
  metric('tokensPerSecond', 'Throughput', 'tokens/s', 'higher', 'Trained tokens over wall-clock time.'),
  metric('ttftMs', 'Prefill latency', 'ms', 'lower', 'Time to first token: one prefill of the prompt.'),
  metric(
    'tpotMs',
    'Decode latency',
    'ms/token',
    'lower',
    'Time per output token: one decode step at the given context and batch.',
  ),
  {
    ...metric(
      'predictedTtftMs',
      'Predicted prefill latency',
      'ms',
      'lower',
      'Time to first token predicted from a look-up table of block latencies; nothing was run.',
    ),
    predicts: 'ttftMs',
  },
  {
    ...metric(
      'predictedTpotMs',
      'Predicted decode latency',
      'ms/token',
      'lower',
      'Time per output token predicted from a look-up table of block latencies; nothing was run.',
    ),
    predicts: 'tpotMs',
  },
  metric(
    'decodeTokensPerSecond',
    'Decode throughput',
    'tokens/s',
    'higher',
    'Decoded tokens over wall-clock time, all sequences together, at the largest batch that fits (`decodeBatch`).',
  ),
  metric(
    'decodeBatch',
    'Largest decode batch',
    'sequences',
    'higher',
    'Largest power of two of sequences, at most 1024, with which weights and two copies of the states (read and written) fit the memory limit at four bytes an element, and that runs.',
  ),
  metric(
    'probeAccuracy',
    'Probe score',
    '',
    'higher',
    'Share of right answers on unseen sequences of the probe task of a study, after a short training on it.',
  ),
  metric('params', 'Parameters', '', 'lower', 'All weights.'),
  metric('decoderParams', 'Decoder parameters', '', 'lower', 'Weights without embedding and head.'),
  metric('trainFlopsPerToken', 'Training FLOPs', 'FLOP/token', 'lower', 'Forward and backward.'),
  metric('decodeFlopsPerToken', 'Decode FLOPs', 'FLOP/token', 'lower', 'One decode step at the given context.'),
  metric(
    'stateBytes',
    'State',
    'bytes',
    'lower',
    'Caches and recurrent states of one sequence at the given context, two bytes an element.',
  ),
]

const byKind = new Map(metrics.map((m) => [m.kind, m]))

/** The metric of a kind, or undefined. */
export const metricOf = (kind: string): Metric | undefined => byKind.get(kind)

/** The metric that predicts a measured one, or undefined. */
export const predictionOf = (kind: string): Metric | undefined => metrics.find((m) => m.predicts === kind)

/** The measured metric behind a kind: what it predicts, or itself. */
export const measuredOf = (kind: string): string => metricOf(kind)?.predicts ?? kind
