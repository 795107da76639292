// Softmax attention and feed-forward networks as most model families name and configure them.

import { attention } from '../../blocks/attention.ts'
import { ffn } from '../../blocks/ffn.ts'
import type { HfConfig } from './config.ts'
import { rangeOf } from './config.ts'
import { blockItem, sameNames } from './plan.ts'
import type { ImportedBlock } from './plan.ts'

export interface AttentionShape {
  readonly dModel: number
  readonly headDim: number
  readonly heads: number
  readonly kvHeads: number
}

/** Heads of an attention layer; their width is hidden_size / heads where the config does not give it. */
export function attentionShape(config: HfConfig, dModel: number, widthName = 'head_dim'): AttentionShape {
  const heads = config.integer('num_attention_heads', rangeOf(attention, 'nHeads'))
  const kvHeads = config.has('num_key_value_heads')
    ? config.integer('num_key_value_heads', rangeOf(attention, 'nKvHeads'))
    : heads
  if (heads % kvHeads !== 0) config.fail('num_key_value_heads', `must divide num_attention_heads (${heads})`)
  const widths = rangeOf(attention, 'headDim')
  if (config.has(widthName)) return { dModel, heads, kvHeads, headDim: config.integer(widthName, widths) }
  const headDim = dModel / heads
  if (!Number.isInteger(headDim) || headDim < widths.min || headDim > widths.max)
    config.fail(
      'num_attention_heads',
      `must divide hidden_size (${dModel}) into heads of ${widths.min} to ${widths.max}`,
    )
  return { dModel, heads, kvHeads, headDim }
}

export interface AttentionExtras {
  readonly window?: number | null
  readonly rope?: boolean
  readonly ropeTheta?: number
  readonly ropeNtkFactor?: number | null
  /** Epsilon of the norm of queries and keys, where there is one. */
  readonly qkNormEps?: number
}

/** An attention block whose weights are named `<prefix>q_proj.weight` and so on. */
export function attentionBlock(
  shape: AttentionShape,
  extras: AttentionExtras,
  norm: string,
  prefix: string,
): ImportedBlock {
  const { dModel, headDim, heads, kvHeads } = shape
  const { qkNormEps, ...rest } = extras
  const names = ['q_proj', 'k_proj', 'v_proj', 'o_proj', ...(qkNormEps === undefined ? [] : ['q_norm', 'k_norm'])]
  return {
    item: blockItem(attention, dModel, {
      headDim,
      nHeads: heads * headDim === dModel ? null : heads,
      nKvHeads: kvHeads === heads ? null : kvHeads,
      ...rest,
      ...(qkNormEps !== undefined && { qkNorm: true, qkNormEps }),
    }),
    norm: { name: norm },
    weights: sameNames(
      prefix,
      names.map((name) => `${name}.weight`),
    ),
  }
}

/** A feed-forward block, with the default width for `null`, whose weights are named `<prefix>up_proj.weight` and so on. */
export function ffnBlock(
  dModel: number,
  width: number | null,
  activation: Activation,
  norm: string,
  prefix: string,
): ImportedBlock {
  const names = [...(activation === 'silu' ? ['gate_proj.weight'] : []), 'up_proj.weight', 'down_proj.weight']
  return {
    item: blockItem(ffn, dModel, { intermediateSize: width, activation }),
    norm: { name: norm },
    weights: sameNames(prefix, names),
  }
}

export type Activation = 'silu' | 'relu2' | 'gelu'
const ACTIVATIONS: Readonly<Record<string, Activation>> = { silu: 'silu', swish: 'silu', relu2: 'relu2', gelu: 'gelu' }

/** The activation of a feed-forward network, which must be one of those that the family's network can have. */
export function activationOf(
  config: HfConfig,
  name: string,
  allowed: readonly Activation[],
  fallback: Activation,
): Activation {
  const text = config.text(name, fallback)
  const found = Object.hasOwn(ACTIVATIONS, text) ? ACTIVATIONS[text] : undefined
  return found !== undefined && allowed.includes(found)
    ? found
    : config.fail(name, `must be ${allowed.join(' or ')}; no block computes others`)
}

/**
 * Base of the rotary angles: `rope_parameters.rope_theta`, or the older `rope_theta`. Scaling for long contexts has no
 * counterpart and is noted.
 */
export function ropeTheta(config: HfConfig): number {
  const parameters = config.child('rope_parameters')
  const scaling = config.child('rope_scaling')
  for (const place of [parameters, scaling]) {
    const type = place?.has('rope_type') ? place.text('rope_type') : place?.has('type') ? place.text('type') : 'default'
    if (type !== 'default')
      config.note(`rotary scaling ${JSON.stringify(type)} is left out: positions are rotated by the plain angles`)
  }
  for (const place of [parameters, config]) {
    if (place?.has('partial_rotary_factor') && place.real('partial_rotary_factor', { min: 0, max: 1 }) !== 1)
      place.fail('partial_rotary_factor', 'must be 1: blocks rotate whole heads')
  }
  const range = rangeOf(attention, 'ropeTheta')
  return parameters?.has('rope_theta') ? parameters.real('rope_theta', range) : config.real('rope_theta', range, 10000)
}

/** Widths of a feed-forward network. */
export const FFN_WIDTH = rangeOf(ffn, 'intermediateSize')
