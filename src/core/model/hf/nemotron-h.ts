// Nemotron-H: layers of Mamba-2, attention without rotary positions, or an ungated feed-forward network.

import { mamba2 } from '../../blocks/mamba2.ts'
import { activationOf, attentionBlock, attentionShape, FFN_WIDTH, ffnBlock } from './attention.ts'
import type { HfConfig } from './config.ts'
import { rangeOf } from './config.ts'
import { mamba2Names } from './mamba.ts'
import { blockItem, sameNames } from './plan.ts'
import type { ImportedBlock, ImportPlan } from './plan.ts'
import { LAYERS, modelSettings, noteBiases } from './settings.ts'
import type { ImportedSettings } from './settings.ts'

type Layer = 'M' | '*' | '-'
/** Names of the kinds of layer, old and new, and the signs of `hybrid_override_pattern`. */
const NAMES: Readonly<Record<string, Layer>> = {
  mamba: 'M',
  linear_attention: 'M',
  attention: '*',
  full_attention: '*',
  mlp: '-',
  M: 'M',
  '*': '*',
  '-': '-',
}

/** `model_type` nemotron_h. */
export function nemotronH(config: HfConfig): ImportPlan {
  const settings = modelSettings(config, { epsNames: ['layer_norm_epsilon', 'rms_norm_eps'], eps: 1e-5, tied: false })
  const build: Readonly<Record<Layer, (config: HfConfig, settings: ImportedSettings) => Builder>> = {
    M: mixer,
    '*': attentionLayer,
    '-': feedForward,
  }
  const builders = new Map<Layer, Builder>()
  const blocks = layersOf(config).map((layer, i) => {
    const builder = builders.get(layer) ?? build[layer](config, settings)
    builders.set(layer, builder)
    return builder(`layers.${i}.norm.weight`, `layers.${i}.mixer.`)
  })
  noteBiases(config, ['use_bias', 'mamba_proj_bias', 'attention_bias', 'mlp_bias'])
  return {
    settings,
    blocks,
    prefixes: ['backbone.', 'model.'],
    embedding: { name: 'embeddings.weight' },
    finalNorm: { name: 'norm_f.weight' },
    // heads for multi-token prediction, which transformers leaves aside as well
    ignored: /^mtp\./,
  }
}

/** Makes the block of one layer. */
type Builder = (norm: string, prefix: string) => ImportedBlock

function layersOf(config: HfConfig): readonly Layer[] {
  const read = (entries: HfConfig, i: string): Layer => {
    const name = entries.text(i)
    const layer = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
    if (layer !== undefined) return layer
    return entries.fail(
      i,
      'is a kind of layer that no block has',
      'layers of Mamba-2, attention and dense feed-forward networks can be imported; mixtures of experts cannot',
    )
  }
  for (const name of ['layers_block_type', 'layer_types']) {
    const layers = config.list(name, read)
    if (layers !== undefined && layers.length > 0) return layers
  }
  const pattern = config.text('hybrid_override_pattern')
  if (pattern.length === 0 || pattern.length > LAYERS.max)
    config.fail('hybrid_override_pattern', `must have 1 to ${LAYERS.max} signs`)
  return Array.from(pattern, (sign) => {
    const layer = Object.hasOwn(NAMES, sign) ? NAMES[sign] : undefined
    return (
      layer ??
      config.fail(
        'hybrid_override_pattern',
        `has the sign ${JSON.stringify(sign)}; M, * and - can be imported`,
        'mixtures of experts (E) cannot',
      )
    )
  })
}

function mixer(config: HfConfig, { dModel, normEps }: ImportedSettings): Builder {
  const headDim = config.integer('mamba_head_dim', rangeOf(mamba2, 'headDim'))
  const inner = headDim * config.integer('mamba_num_heads', { min: 1, max: 1 << 16 })
  const { min, max } = rangeOf(mamba2, 'expand')
  const expand = inner / dModel
  if (expand < min || expand > max || expand * dModel !== inner)
    config.fail(
      'mamba_num_heads',
      `times mamba_head_dim (${headDim}) must be ${min} to ${max} times hidden_size (${dModel})`,
    )
  const convBias = config.flag('use_conv_bias', true)
  activationOf(config, 'mamba_hidden_act', ['silu'], 'silu')
  const dtMin = config.real('time_step_min', rangeOf(mamba2, 'dtMin'), 0.001)
  config.note(
    `steps of Mamba-2 are kept above time_step_min (${dtMin}) as in the full-sequence path of transformers without kernels; its other paths do not`,
  )
  const item = blockItem(mamba2, dModel, {
    expand,
    headDim,
    convBias,
    normEps,
    dtMin,
    nGroups: config.integer('n_groups', rangeOf(mamba2, 'nGroups')),
    dState: config.integer('ssm_state_size', rangeOf(mamba2, 'dState')),
    dConv: config.integer('conv_kernel', rangeOf(mamba2, 'dConv'), 4),
  })
  const names = mamba2Names(convBias)
  return (norm, prefix) => ({ item, norm: { name: norm }, weights: sameNames(prefix, names) })
}

function attentionLayer(config: HfConfig, { dModel }: ImportedSettings): Builder {
  const shape = attentionShape(config, dModel, config.has('attention_head_dim') ? 'attention_head_dim' : 'head_dim')
  return (norm, prefix) => attentionBlock(shape, { rope: false }, norm, prefix)
}

function feedForward(config: HfConfig, { dModel }: ImportedSettings): Builder {
  const width = config.integer('intermediate_size', FFN_WIDTH)
  const activation = activationOf(config, 'mlp_hidden_act', ['relu2', 'gelu'], 'relu2')
  return (norm, prefix) => ffnBlock(dModel, width, activation, norm, prefix)
}
