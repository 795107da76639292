// Qwen3-Next with Gated DeltaNet layers and dense feed-forward networks. Its checkpoints store the gains of layer norms
// minus 1, and fuse projections in the order of key heads.

import { gatedDeltanet } from '../../blocks/gated-deltanet.ts'
import { activationOf, FFN_WIDTH, ffnBlock } from './attention.ts'
import type { HfConfig } from './config.ts'
import { rangeOf } from './config.ts'
import { blockItem, joinRows, rows, sameNames } from './plan.ts'
import type { HfTensor, ImportedBlock, ImportPlan, Source } from './plan.ts'
import { LAYERS, LLAMA_ASSUMED, modelSettings } from './settings.ts'

/** `model_type` qwen3_next. */
export function qwen3Next(config: HfConfig): ImportPlan {
  const settings = modelSettings(config, LLAMA_ASSUMED)
  const { dModel } = settings
  const layers = config.integer('num_hidden_layers', LAYERS)
  refuseAttention(config, layers)
  refuseExperts(config, layers)
  const width = config.integer('intermediate_size', FFN_WIDTH)
  const activation = activationOf(config, 'hidden_act', ['silu'], 'silu')
  const heads = headsOf(config)
  const item = blockItem(gatedDeltanet, dModel, {
    headDim: heads.keyWidth,
    nHeads: heads.keyHeads,
    nVHeads: heads.perKey === 1 ? null : heads.keyHeads * heads.perKey,
    expandV: heads.valueWidth / heads.keyWidth,
    convSize: heads.taps,
    normEps: settings.normEps,
  })
  const gain = (name: string): Source => ({ name, transform: { shape: [dModel], apply: plusOne } })
  return {
    settings,
    blocks: Array.from({ length: layers }, (_, i): ImportedBlock[] => {
      const at = `layers.${i}.`
      const feedForward = ffnBlock(dModel, width, activation, '', `${at}mlp.`)
      return [
        { item, norm: gain(`${at}input_layernorm.weight`), weights: deltaWeights(`${at}linear_attn.`, dModel, heads) },
        { ...feedForward, norm: gain(`${at}post_attention_layernorm.weight`) },
      ]
    }).flat(),
    prefixes: ['model.'],
    embedding: { name: 'embed_tokens.weight' },
    finalNorm: gain('norm.weight'),
    ignored: /^mtp\./,
  }
}

function refuseAttention(config: HfConfig, layers: number): void {
  const linear = /^linear_attention$/
  const types = config.list('layer_types', (entries, i) => entries.text(i))
  if (types !== undefined && types.length !== layers)
    config.fail('layer_types', `has ${types.length} entries for ${layers} layers`)
  // without the list, every fourth layer is attention
  const interval =
    types !== undefined
      ? 0
      : config.has('full_attention_interval')
        ? config.integer('full_attention_interval', { min: 1, max: 1 << 20 })
        : 4
  const full =
    types !== undefined ? types.findIndex((type) => !linear.test(type)) : interval <= layers ? interval - 1 : -1
  if (full >= 0)
    config.fail(
      'layer_types',
      `makes layer ${full} full attention, which no block has`,
      'its gated output and partial rotation are not described; linear-attention layers can be imported',
    )
}

function refuseExperts(config: HfConfig, layers: number): void {
  if (!config.has('num_experts') || config.integer('num_experts', { min: 0, max: 1 << 20 }) === 0) return
  const dense = new Set(
    config.list('mlp_only_layers', (entries, i) => entries.integer(i, { min: 0, max: LAYERS.max })) ?? [],
  )
  const step = config.has('decoder_sparse_step') ? config.integer('decoder_sparse_step', { min: 1, max: 1 << 20 }) : 1
  for (let i = 0; i < layers; i++)
    if (!dense.has(i) && (i + 1) % step === 0)
      config.fail(
        'num_experts',
        `makes layer ${i} a mixture of experts, which no block has`,
        'dense layers can be imported',
      )
}

interface Heads {
  readonly keyHeads: number
  /** Value heads of each key head. */
  readonly perKey: number
  readonly keyWidth: number
  readonly valueWidth: number
  readonly taps: number
}

function headsOf(config: HfConfig): Heads {
  const keyHeads = config.integer('linear_num_key_heads', rangeOf(gatedDeltanet, 'nHeads'))
  const valueHeads = config.integer('linear_num_value_heads', rangeOf(gatedDeltanet, 'nVHeads'))
  if (valueHeads % keyHeads !== 0)
    config.fail('linear_num_value_heads', `must be a multiple of linear_num_key_heads (${keyHeads})`)
  const keyWidth = config.integer('linear_key_head_dim', rangeOf(gatedDeltanet, 'headDim'))
  const expand = rangeOf(gatedDeltanet, 'expandV')
  const valueWidth = config.integer('linear_value_head_dim', {
    min: Math.ceil(expand.min * keyWidth),
    max: Math.floor(expand.max * keyWidth),
  })
  return {
    keyHeads,
    perKey: valueHeads / keyHeads,
    keyWidth,
    valueWidth,
    taps: config.integer('linear_conv_kernel_dim', rangeOf(gatedDeltanet, 'convSize'), 4),
  }
}

function deltaWeights(prefix: string, dModel: number, heads: Heads): Map<string, Source> {
  const { keyHeads, perKey, keyWidth, valueWidth, taps } = heads
  const values = perKey * valueWidth
  // by key head: queries, keys, values, output gates
  const fused = partsOf(`${prefix}in_proj_qkvz.weight`, dModel, keyHeads, [keyWidth, keyWidth, values, values])
  const strengths = partsOf(`${prefix}in_proj_ba.weight`, dModel, keyHeads, [perKey, perKey])
  const convolutions = partsOf(
    `${prefix}conv1d.weight`,
    null,
    1,
    [keyHeads * keyWidth, keyHeads * keyWidth, keyHeads * values],
    taps,
  )
  return new Map([
    ...['q_proj.weight', 'k_proj.weight', 'v_proj.weight', 'g_proj.weight'].map(
      (name, i) => [name, fused[i]!] as const,
    ),
    ...['b_proj.weight', 'a_proj.weight'].map((name, i) => [name, strengths[i]!] as const),
    ...['q_conv1d.weight', 'k_conv1d.weight', 'v_conv1d.weight'].map((name, i) => [name, convolutions[i]!] as const),
    ...sameNames(prefix, ['A_log', 'dt_bias']),
    ['o_norm.weight', { name: `${prefix}norm.weight` }],
    ['o_proj.weight', { name: `${prefix}out_proj.weight` }],
  ])
}

/** Sources for the parts of a tensor whose rows are `groups` times a row of parts of the given heights. */
function partsOf(name: string, width: number | null, groups: number, heights: readonly number[], taps = 0): Source[] {
  const period = heights.reduce((sum, height) => sum + height, 0)
  const shape = [groups * period, ...(width === null ? [1, taps] : [width])]
  return heights.map((height, part): Source => {
    const before = heights.slice(0, part).reduce((sum, h) => sum + h, 0)
    const apply = (tensor: HfTensor): HfTensor =>
      joinRows(
        Array.from({ length: groups }, (_, g) => rows(tensor, g * period + before, g * period + before + height)),
      )
    return { name, transform: { shape, apply } }
  })
}

const plusOne = ({ shape, data }: HfTensor): HfTensor => ({ shape, data: data.map((x) => x + 1) })
