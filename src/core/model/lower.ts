// Spec -> graph. One walk over the stack serves every phase: the blocks declare weights and states as they build.

import { DEFAULT_INIT, normalInit, ones } from '../blocks/init.ts'
import type { Block, Phase } from '../blocks/index.ts'
import { HeddleError } from '../errors.ts'
import type { Graph, Value } from '../graph/types.ts'
import { newGraph } from '../ops/index.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { Declarations } from './declarations.ts'
import type { State, Weight } from './declarations.ts'
import type { ResolvedSpec } from './spec.ts'

export interface LoweredModel {
  readonly graph: Graph
  readonly phase: Phase
  readonly weights: readonly Weight[]
  readonly states: readonly State[]
  readonly batchSize: number
  /** Text tokens that the graph reads per sequence. */
  readonly seqLen: number
}

export type ModelOutput = 'loss' | 'predictions' | 'logProbs' | 'logits' | 'allLogits' | 'next'

export interface LowerOptions {
  readonly phase: Phase
  readonly batchSize: number
  /** Text tokens per sequence; 1 in decode. */
  readonly seqLen: number
  /** Text tokens that caches must hold (prefill, decode); default seqLen. */
  readonly context?: number
  /**
   * What is computed behind the stack. train: `loss` and `targetCount`, `predictions` (arg max), `logProbs` (of each target),
   * `logits`. prefill: `logits` of the last token, or `allLogits`. decode: `logits`. Both: `next`, the token that is drawn to
   * follow. By default loss, or logits.
   */
  readonly outputs?: readonly ModelOutput[]
  /** Rotary tables become inputs: for counting, where their contents do not matter. */
  readonly shapesOnly?: boolean
}

/** Target index that is neither trained on nor scored. */
export const IGNORE_INDEX = -100
const META_INIT = normalInit(1)

const layerLabel = (i: number): string => `L${String(i).padStart(2, '0')}`
/** Scope of block i, as in node names: `L07.mixer.deltanet`. */
export const blockScope = (i: number, block: Block): string => `${layerLabel(i)}.mixer.${block.kind}`

/**
 * Lowers a spec to the graph of one phase. Inputs: `tokens` i32 [B,T], `targets` i32 [B,T] (train, where the loss or log
 * probabilities are asked for), `position` i32 scalar (decode: tokens before this one, meta tokens included), states
 * (decode) and weights. Outputs: what was asked for, and `next.<state>` for every state (prefill, decode).
 */
export function lower(resolved: ResolvedSpec, options: LowerOptions): LoweredModel {
  const { phase, batchSize, seqLen, context = seqLen, shapesOnly = false } = options
  const { settings, blocks } = resolved
  if (phase === 'decode' && seqLen !== 1) throw new Error(`decode lowers one token, got seqLen ${seqLen}`)
  if (!(seqLen >= 1 && batchSize >= 1 && context >= seqLen))
    throw new HeddleError(
      'usage',
      `batchSize (${batchSize}) and seqLen (${seqLen}) must be at least 1, and context (${context}) at least seqLen`,
    )
  const g = newGraph()
  const { dModel, metaTokens } = settings
  const declarations = new Declarations(g, {
    phase,
    dModel,
    batchSize,
    length: phase === 'decode' ? 1 : metaTokens + seqLen,
    capacity: metaTokens + context,
    metaTokens,
    blockCount: blocks.length,
    shapesOnly,
  })
  const outputs = options.outputs ?? (phase === 'train' ? ['loss'] : ['logits'])
  const tokens = g.input('tokens', { dtype: 'i32', shape: [batchSize, seqLen] })
  const table = g.scoped('embed', () =>
    declarations.weight('embed_tokens.weight', [settings.vocabSize, dModel], DEFAULT_INIT),
  )
  const stacked = stack(
    g,
    resolved,
    declarations,
    g.scoped('embed', () => embed(g, declarations, g.gather(table, tokens))),
  )
  const hidden = g.scoped('final_norm', () => {
    const text = phase === 'decode' ? stacked : g.slice(stacked, 1, metaTokens, metaTokens + seqLen)
    const scored = phase === 'prefill' && !outputs.includes('allLogits') ? g.slice(text, 1, seqLen - 1, seqLen) : text
    return g.one('rms_norm', [scored, declarations.weight('final_norm.weight', [dModel], ones)], {
      eps: settings.normEps,
    })
  })
  const head = settings.tieEmbeddings
    ? table
    : declarations.weight('lm_head.weight', [settings.vocabSize, dModel], DEFAULT_INIT)
  g.scoped('head', () => {
    const logits = headLogits(g, hidden, head, settings.headNormDivision)
    addOutputs(g, logits, outputs)
    const last = phase === 'decode' ? declarations.position : g.scalar(metaTokens + seqLen - 1, 'i32')
    if (outputs.includes('next')) g.output('next', nextTokens(g, logits, last))
  })
  declarations.outputStates()
  return { graph: g.finish(), phase, weights: declarations.weights, states: declarations.states, batchSize, seqLen }
}

/** Puts the meta tokens in front of the embedded text, except in decode, where they are in the states already. */
function embed(g: GraphBuilder, declarations: Declarations, text: Value): Value {
  const { metaTokens, dModel, batchSize, phase } = declarations.frame
  if (metaTokens === 0) return text
  const meta = declarations.weight('memory_tokens', [metaTokens, dModel], META_INIT, { decay: false })
  return phase === 'decode' ? text : g.concat([g.broadcast(meta, [batchSize, metaTokens, dModel]), text], 1)
}

/** Pre-norm residual blocks: h + block(RMSNorm(h)). */
function stack(
  g: GraphBuilder,
  { blocks, settings }: ResolvedSpec,
  declarations: Declarations,
  embedded: Value,
): Value {
  let h = embedded
  blocks.forEach(({ block, params }, i) => {
    const gain = declarations.weight(`layers.${i}.norm.weight`, [settings.dModel], ones, { block: i })
    const normed = g.scoped(`${layerLabel(i)}.norm`, () => g.one('rms_norm', [h, gain], { eps: settings.normEps }))
    const mixed = g.scoped(blockScope(i, block), () =>
      block.build(declarations.context(i, `layers.${i}.`), normed, params as never),
    )
    h = g.scoped(`${layerLabel(i)}.residual`, () => g.add(h, mixed))
  })
  return h
}

/** Logits [B,T,V] of hidden [B,T,D]; optionally divided by the L2 norm of each row of the head. */
export function headLogits(g: GraphBuilder, hidden: Value, head: Value, normDivision: boolean): Value {
  const logits = g.linear(hidden, head)
  if (!normDivision) return logits
  return g.div(logits, g.reshape(g.sqrt(g.reduceSum(g.mul(head, head), [1])), [head.type.shape[0]!]))
}

function addOutputs(g: GraphBuilder, logits: Value, outputs: readonly ModelOutput[]): void {
  const [b, t, vocabulary] = logits.type.shape as [number, number, number]
  const rows = g.reshape(logits, [b * t, vocabulary])
  const isScored = outputs.some((o) => o === 'loss' || o === 'logProbs')
  const targets = isScored ? g.reshape(g.input('targets', { dtype: 'i32', shape: [b, t] }), [b * t]) : undefined
  for (const output of outputs) {
    if (output === 'loss') {
      const [loss, counted] = g.scoped(
        'loss',
        () => g.apply('cross_entropy', [rows, targets!], { ignoreIndex: IGNORE_INDEX }),
        true,
      )
      g.output('loss', loss!)
      g.output('targetCount', counted!)
    } else if (output === 'predictions') g.output('predictions', g.reshape(g.argmax(rows), [b, t]))
    else if (output === 'logProbs') g.output('logProbs', g.reshape(logProbs(g, rows, targets!), [b, t]))
    else if (output !== 'next') g.output('logits', logits)
  }
}

/**
 * Draws the token behind each sequence, [B,1], from inputs `temperature` and `seed`; the place of the token before it makes
 * draws of one sequence independent.
 */
function nextTokens(g: GraphBuilder, logits: Value, place: Value): Value {
  const [b, t, vocabulary] = logits.type.shape as [number, number, number]
  const rows = g.reshape(g.slice(logits, 1, t - 1, t), [b, vocabulary])
  const temperature = g.input('temperature', { dtype: 'f32', shape: [] })
  const seed = g.input('seed', { dtype: 'i32', shape: [] })
  return g.reshape(g.sample(rows, { temperature, seed, step: place }), [b, 1])
}

/** Log probability of each target; ignored targets read entry 0 and mean nothing. */
function logProbs(g: GraphBuilder, rows: Value, targets: Value): Value {
  const column = g.maximum(g.reshape(targets, [targets.type.shape[0]!, 1]), g.scalar(0, 'i32'))
  const shifted = g.sub(rows, g.reduceMax(rows, [1]))
  return g.sub(g.takeAlong(shifted, column), g.log(g.reduceSum(g.exp(shifted), [1])))
}

export interface LowerBlockOptions {
  readonly phase: Phase
  readonly dModel: number
  readonly batchSize: number
  /** Tokens in the graph, meta tokens included; 1 in decode. */
  readonly length: number
  readonly capacity: number
  readonly metaTokens?: number
  /** Values that earlier blocks would have left, given as inputs: key -> input name and shape [B,T,·]. */
  readonly shared?: Readonly<Record<string, { name: string; width: number }>>
}

/**
 * Lowers one block on its own: input `x` [B,T,D] (already normalised), output `y` [B,T,D], weights `layers.0.mixer.<name>`,
 * states `layers.0.<name>`, and an output `shared.<key>` for each value that it leaves to others.
 */
export function lowerBlock(
  block: Block,
  params: Readonly<Record<string, unknown>>,
  options: LowerBlockOptions,
): LoweredModel {
  const { phase, dModel, batchSize, length, capacity, metaTokens = 0, shared = {} } = options
  const g = newGraph()
  const declarations = new Declarations(g, {
    phase,
    dModel,
    batchSize,
    length,
    capacity,
    metaTokens,
    blockCount: 1,
    shapesOnly: false,
  })
  for (const [key, { name, width }] of Object.entries(shared))
    declarations.shared.set(key, g.input(name, { dtype: 'f32', shape: [batchSize, length, width] }))
  const x = g.input('x', { dtype: 'f32', shape: [batchSize, length, dModel] })
  g.output(
    'y',
    g.scoped(blockScope(0, block), () => block.build(declarations.context(0, 'layers.0.'), x, params as never)),
  )
  for (const [key, value] of declarations.shared) if (!Object.hasOwn(shared, key)) g.output(`shared.${key}`, value)
  declarations.outputStates()
  return {
    graph: g.finish(),
    phase,
    weights: declarations.weights,
    states: declarations.states,
    batchSize,
    seqLen: length,
  }
}
