// Spec -> graph. One walk over the stack serves every phase: the blocks declare weights and states through the context that is
// made here.

import type { BlockContext, Phase, Projection } from '../blocks/index.ts'
import { DEFAULT_INIT, normalInit, ones } from '../blocks/init.ts'
import type { Init } from '../blocks/init.ts'
import { HeddleError } from '../errors.ts'
import type { Graph, Shape, TensorType, Value } from '../graph/types.ts'
import { newGraph } from '../ops/index.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { FlatBlock, ModelSettings, ResolvedSpec } from './spec.ts'

export interface Weight {
  readonly name: string
  readonly shape: Shape
  readonly init: Init
  readonly decay: boolean
  readonly project: Projection | undefined
  /** Index of the block that owns it; undefined for embedding, head, final norm and meta tokens. */
  readonly block: number | undefined
}

/** A recurrent state or cache: input `name`, output `next.name`, zeros before the first token. */
export interface State {
  readonly name: string
  readonly shape: Shape
  readonly block: number
}

export interface LoweredModel {
  readonly graph: Graph
  readonly phase: Phase
  readonly weights: readonly Weight[]
  readonly states: readonly State[]
  readonly batchSize: number
  /** Text tokens that the graph reads per sequence. */
  readonly seqLen: number
}

export interface LowerOptions {
  readonly phase: Phase
  readonly batchSize: number
  /** Text tokens per sequence; 1 in decode. */
  readonly seqLen: number
  /** Text tokens that caches must hold (prefill, decode); default seqLen. */
  readonly context?: number
  /**
   * What is computed behind the stack. train: `loss` (with `targets`), `predictions` (arg max), `logits`, `logProbs` (of each
   * target). prefill: `logits` of the last token, or of all tokens. decode: `logits`.
   */
  readonly outputs?: readonly ('loss' | 'predictions' | 'logits' | 'allLogits' | 'logProbs')[]
  /** Rotary tables become inputs: for counting, where their contents do not matter. */
  readonly shapesOnly?: boolean
}

/** Target index that is neither trained on nor scored. */
export const IGNORE_INDEX = -100
const META_INIT = normalInit(1)

/** Scope of block i, as in node names: `L07.mixer.deltanet`. */
export const blockScope = (i: number, block: FlatBlock): string => `L${String(i).padStart(2, '0')}.mixer.${block.block.kind}`

/**
 * Lowers a spec to the graph of one phase. Inputs: `tokens` i32 [B,T] and `targets` i32 [B,T] (train, when the loss or log
 * probabilities are asked for), `position` i32 scalar (decode: tokens before this one, meta tokens included), states, weights.
 */
export function lower(resolved: ResolvedSpec, options: LowerOptions): LoweredModel {
  const { phase, batchSize, seqLen } = options
  const { settings } = resolved
  const context = options.context ?? seqLen
  if (phase === 'decode' && seqLen !== 1) throw new Error(`decode lowers one token, got seqLen ${seqLen}`)
  if (seqLen < 1 || batchSize < 1 || context < seqLen) throw new HeddleError('usage', `batchSize (${batchSize}), seqLen (${seqLen}) and context (${context}) must be at least 1, and context at least seqLen`, { path: 'options' })
  const g = newGraph()
  const builder = new ModelBuilder(g, resolved, { ...options, context })
  const hidden = builder.hidden()
  builder.heads(hidden, options.outputs ?? (phase === 'train' ? ['loss'] : ['logits']))
  for (const state of builder.states) g.output(`next.${state.name}`, builder.nextStates.get(state.name)!)
  return { graph: g.finish(), phase, weights: builder.weights, states: builder.states, batchSize, seqLen }
}

class ModelBuilder {
  readonly weights: Weight[] = []
  readonly states: State[] = []
  readonly nextStates = new Map<string, Value>()
  readonly #g: GraphBuilder
  readonly #resolved: ResolvedSpec
  readonly #options: LowerOptions & { readonly context: number }
  readonly #settings: ModelSettings
  readonly #length: number
  #head: Value | undefined

  constructor(g: GraphBuilder, resolved: ResolvedSpec, options: LowerOptions & { readonly context: number }) {
    this.#g = g
    this.#resolved = resolved
    this.#options = options
    this.#settings = resolved.settings
    this.#length = options.phase === 'decode' ? 1 : resolved.settings.metaTokens + options.seqLen
  }

  #weight(name: string, shape: Shape, init: Init, extra: Partial<Weight> = {}): Value {
    if (this.weights.some((w) => w.name === name)) throw new Error(`weight ${name} is declared twice`)
    this.weights.push({ name, shape, init, decay: shape.length >= 2, project: undefined, block: undefined, ...extra })
    return this.#g.input(name, { dtype: 'f32', shape })
  }

  /** Embedding, meta tokens, blocks and final norm: [B, text tokens, D]. */
  hidden(): Value {
    const g = this.#g
    const { batchSize, seqLen, phase } = this.#options
    const { dModel, vocabSize, metaTokens, normEps } = this.#settings
    const tokens = g.input('tokens', { dtype: 'i32', shape: [batchSize, seqLen] })
    const position = phase === 'decode' ? g.input('position', { dtype: 'i32', shape: [] }) : g.scalar(0, 'i32')
    let h = g.scoped('embed', () => {
      const table = this.#weight('embed_tokens.weight', [vocabSize, dModel], DEFAULT_INIT)
      this.#head = table
      const embedded = g.gather(table, tokens)
      if (metaTokens === 0) return embedded
      const meta = this.#weight('memory_tokens', [metaTokens, dModel], META_INIT, { decay: false })
      if (phase === 'decode') return embedded
      return g.concat([g.broadcast(meta, [batchSize, metaTokens, dModel]), embedded], 1)
    })
    const shared = new Map<string, Value>()
    this.#resolved.blocks.forEach((block, i) => {
      const label = `L${String(i).padStart(2, '0')}`
      const gain = this.#weight(`layers.${i}.norm.weight`, [dModel], ones, { block: i })
      const normed = g.scoped(`${label}.norm`, () => g.one('rms_norm', [h, gain], { eps: normEps }))
      const mixed = g.scoped(blockScope(i, block), () => block.block.build(this.#context(i, position, shared), normed, block.params as never))
      h = g.scoped(`${label}.residual`, () => g.add(h, mixed))
    })
    return g.scoped('final_norm', () => {
      const text = phase === 'decode' ? h : g.slice(h, 1, metaTokens, metaTokens + seqLen)
      const last = phase === 'prefill' && !(this.#options.outputs ?? []).includes('allLogits') ? g.slice(text, 1, seqLen - 1, seqLen) : text
      return g.one('rms_norm', [last, this.#weight('final_norm.weight', [dModel], ones)], { eps: normEps })
    })
  }

  heads(hidden: Value, outputs: NonNullable<LowerOptions['outputs']>): void {
    const g = this.#g
    const { tieEmbeddings, vocabSize, dModel } = this.#settings
    g.scoped('head', () => {
      const [b, t] = hidden.type.shape as [number, number, number]
      if (!tieEmbeddings) this.#head = this.#weight('lm_head.weight', [vocabSize, dModel], DEFAULT_INIT)
      const logits = g.reshape(this.#logits(hidden), [b * t, vocabSize])
      const targets = outputs.some((o) => o === 'loss' || o === 'logProbs') ? g.reshape(g.input('targets', { dtype: 'i32', shape: [b, t] }), [b * t]) : undefined
      for (const output of outputs) {
        if (output === 'loss') {
          const [loss, counted] = g.scoped('loss', () => g.apply('cross_entropy', [logits, targets!], { ignoreIndex: IGNORE_INDEX }), true)
          g.output('loss', loss!)
          g.output('targetCount', counted!)
        } else if (output === 'predictions') g.output('predictions', g.reshape(g.argmax(logits), [b, t]))
        else if (output === 'logProbs') g.output('logProbs', g.reshape(this.#logProbs(logits, targets!), [b, t]))
        else g.output('logits', g.reshape(logits, [b, t, vocabSize]))
      }
    })
  }

  #logits(hidden: Value): Value {
    const g = this.#g
    const head = this.#head!
    const logits = g.linear(hidden, head)
    if (!this.#settings.headNormDivision) return logits
    return g.div(logits, g.reshape(g.sqrt(g.reduceSum(g.mul(head, head), [1])), [head.type.shape[0]!]))
  }

  #logProbs(logits: Value, targets: Value): Value {
    const g = this.#g
    const column = g.reshape(targets, [targets.type.shape[0]!, 1])
    const safe = g.maximum(column, g.scalar(0, 'i32'))
    const shifted = g.sub(logits, g.reduceMax(logits, [1]))
    return g.sub(g.takeAlong(shifted, safe), g.log(g.reduceSum(g.exp(shifted), [1])))
  }

  #context(index: number, position: Value, shared: Map<string, Value>): BlockContext {
    const g = this.#g
    const { phase, batchSize, context } = this.#options
    const { dModel, metaTokens } = this.#settings
    const prefix = `layers.${index}.`
    const stateful = phase !== 'train'
    const self: BlockContext = {
      g,
      phase,
      dModel,
      batch: batchSize,
      length: this.#length,
      capacity: metaTokens + context,
      metaTokens,
      position,
      index,
      count: this.#resolved.blocks.length,
      shared,
      weight: (name, shape, { init = DEFAULT_INIT, project, decay } = {}) =>
        this.#weight(`${prefix}mixer.${name}`, shape, init, { block: index, project, ...(decay !== undefined && { decay }) }),
      linear: (x, name, width, options) => g.linear(x, self.weight(name, [width, x.type.shape.at(-1)!], options)),
      state: (name, shape) => {
        const full = [batchSize, ...shape]
        if (!stateful) return g.zeros(full)
        this.states.push({ name: prefix + name, shape: full, block: index })
        return phase === 'decode' ? g.input(prefix + name, { dtype: 'f32', shape: full }) : g.zeros(full)
      },
      setState: (name, value) => {
        if (stateful) this.nextStates.set(prefix + name, value)
      },
      rotary: (width, theta) => this.#rotary(width, theta, position),
    }
    return self
  }

  #rotary(width: number, theta: number, position: Value): { cos: Value; sin: Value } {
    const g = this.#g
    const { phase, context, shapesOnly } = this.#options
    const rows = phase === 'decode' ? this.#settings.metaTokens + context : this.#length
    const half = width / 2
    const table = (name: 'cos' | 'sin'): Value => {
      const whole = g.shared(`rotary ${name} ${rows} ${width} ${theta}`, () => {
        const type: TensorType = { dtype: 'f32', shape: [rows, half] }
        if (shapesOnly === true) return g.input(`rotary ${name} ${width} ${theta}`, type)
        const data = new Float32Array(rows * half)
        for (let p = 0; p < rows; p++) for (let i = 0; i < half; i++) data[p * half + i] = Math[name](p * theta ** ((-2 * i) / width))
        return g.constant(type.shape, data)
      })
      return phase === 'decode' ? g.gather(whole, g.reshape(position, [1])) : whole
    }
    return { cos: table('cos'), sin: table('sin') }
  }
}
