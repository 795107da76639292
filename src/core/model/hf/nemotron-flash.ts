// Nemotron-Flash (arXiv 2511.18890), whose remote code gives DeltaNet, Mamba-2, attention and feed-forward networks a
// layer each, and may put a further feed-forward network behind every mixer.

import { attention } from '../../blocks/attention.ts'
import { deltanet } from '../../blocks/deltanet.ts'
import { mamba2 } from '../../blocks/mamba2.ts'
import { MODEL_PARAMS } from '../spec.ts'
import { activationOf, attentionBlock, attentionShape, FFN_WIDTH, ffnBlock, ropeTheta } from './attention.ts'
import type { AttentionExtras, AttentionShape } from './attention.ts'
import type { HfConfig } from './config.ts'
import { rangeOf } from './config.ts'
import { mamba2Names } from './mamba.ts'
import { blockItem, sameNames } from './plan.ts'
import type { ImportedBlock, ImportPlan } from './plan.ts'
import { LAYERS, LLAMA_ASSUMED, modelSettings } from './settings.ts'

type Layer = 'd' | 'm2' | 'a' | 'f'
const NAMES: Readonly<Record<string, Layer>> = { deltanet: 'd', m: 'm2', m2: 'm2', a: 'a', f: 'f' }
const DELTANET_NAMES = [
  'q_proj',
  'k_proj',
  'v_proj',
  'b_proj',
  'q_conv1d',
  'k_conv1d',
  'v_conv1d',
  'o_norm',
  'o_proj',
].map((name) => `${name}.weight`)
/** Epsilon of the norm of queries and keys, which the config does not say. */
const QK_NORM_EPS = 1e-6

/** `model_type` nemotron_flash. */
export function nemotronFlash(config: HfConfig): ImportPlan {
  const settings = modelSettings(config, LLAMA_ASSUMED)
  const { dModel } = settings
  const metaTokens = config.has('num_memory_tokens') ? config.integer('num_memory_tokens', MODEL_PARAMS.metaTokens) : 0
  const layers = layersOf(config)
  const has = (layer: Layer): boolean => layers.includes(layer)
  const extra =
    config.has('intermediate_size') && config.integer('intermediate_size', { min: 0, max: FFN_WIDTH.max }) > 0
  const feedForward = has('f') || extra ? feedForwardOf(config, dModel) : undefined
  const attentionOf = has('a') ? attentionsOf(config, dModel) : undefined
  const mixer = has('m2') ? mamba2Item(config, dModel) : undefined
  const delta = has('d') ? deltanetItem(config, dModel) : undefined
  const blockOf = (layer: Layer, i: number): ImportedBlock => {
    const at = `layers.${i}.`
    const norm = `${at}input_layernorm.weight`
    if (layer === 'f') return feedForward!(i)
    if (layer === 'a') return attentionOf!(i, norm, `${at}self_attn.`)
    if (layer === 'm2')
      return { item: mixer!, norm: { name: norm }, weights: sameNames(`${at}mamba.`, mamba2Names(true)) }
    return { item: delta!, norm: { name: norm }, weights: sameNames(`${at}gla.`, DELTANET_NAMES) }
  }
  return {
    settings: { ...settings, metaTokens, headNormDivision: true },
    blocks: layers.flatMap((layer, i) => [blockOf(layer, i), ...(extra && layer !== 'f' ? [feedForward!(i)] : [])]),
    prefixes: ['model.'],
    embedding: { name: 'embed_tokens.weight' },
    finalNorm: { name: 'final_layernorm.weight' },
    ...(metaTokens > 0 && { metaTokens: { name: 'memory_tokens' } }),
    ignored: /\.rotary_emb\./,
  }
}

function layersOf(config: HfConfig): readonly Layer[] {
  const layers = config.list('layer_types', (entries, i) => {
    const name = entries.text(i)
    return (
      (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined) ??
      entries.fail(i, `must be one of ${Object.keys(NAMES).join(', ')}`)
    )
  })
  if (layers === undefined || layers.length === 0) return config.fail('layer_types', 'must list the layers')
  if (config.has('num_hidden_layers') && config.integer('num_hidden_layers', LAYERS) !== layers.length)
    config.fail('num_hidden_layers', `must be the number of layer_types (${layers.length})`)
  return layers
}

/** The width is a ratio of the model width rounded down to a multiple of 128, or given. */
function feedForwardOf(config: HfConfig, dModel: number): (layer: number) => ImportedBlock {
  const ratio = config.has('ffn_expand_ratio') ? config.real('ffn_expand_ratio', { min: 0, max: 64 }) : undefined
  const width =
    ratio === undefined
      ? config.integer('intermediate_size', FFN_WIDTH)
      : Math.floor(Math.floor(ratio * dModel) / 128) * 128
  if (width < 1 || width > FFN_WIDTH.max) config.fail('ffn_expand_ratio', `gives a feed-forward width of ${width}`)
  const activation = activationOf(config, 'mlp_hidden_act', ['silu', 'relu2'], 'silu')
  // the ratio of the released models is the block's own default
  const told = ratio === 3 ? null : width
  return (i) => ffnBlock(dModel, told, activation, `layers.${i}.pre_ffn_layernorm.weight`, `layers.${i}.ffn.`)
}

function mamba2Item(config: HfConfig, dModel: number): ImportedBlock['item'] {
  return blockItem(mamba2, dModel, {
    expand: config.real('mamba_expand', rangeOf(mamba2, 'expand'), 2),
    headDim: config.integer('mamba2_headdim', rangeOf(mamba2, 'headDim'), 64),
    dState: config.integer('mamba_d_state', rangeOf(mamba2, 'dState')),
    dConv: config.integer('mamba_d_conv', rangeOf(mamba2, 'dConv'), 4),
  })
}

function deltanetItem(config: HfConfig, dModel: number): ImportedBlock['item'] {
  const heads = config.integer('num_attention_heads', rangeOf(deltanet, 'nHeads'))
  if (dModel % heads !== 0) config.fail('num_attention_heads', `must divide hidden_size (${dModel})`)
  const usual = Math.max(1, Math.floor(dModel / 128))
  return blockItem(deltanet, dModel, { nHeads: heads === usual ? null : heads })
}

function attentionsOf(
  config: HfConfig,
  dModel: number,
): (layer: number, norm: string, prefix: string) => ImportedBlock {
  const shape = headWidths(config, attentionShape(config, dModel))
  const norms = config.has('kq_norm') ? config.text('kq_norm') : 'none'
  if (norms !== 'none' && norms !== 'rms') config.fail('kq_norm', 'must be none or rms')
  const extras: AttentionExtras = { ...rotation(config), ...(norms === 'rms' && { qkNormEps: QK_NORM_EPS }) }
  if (!config.has('sliding_window')) return (_, norm, prefix) => attentionBlock(shape, extras, norm, prefix)
  const window = config.integer('sliding_window', rangeOf(attention, 'window'))
  const global = new Set(
    config.list('global_attn_idx', (entries, i) => entries.integer(i, { min: 0, max: LAYERS.max })) ?? [],
  )
  config.note(
    `windows: a token sees itself and the ${window - 1} before it, as in the code's decoding; its prefill sees one more`,
  )
  return (i, norm, prefix) => attentionBlock(shape, global.has(i) ? extras : { ...extras, window }, norm, prefix)
}

/** Heads may have a width of their own, the same for keys and values; -1 stands for the usual one. */
function headWidths(config: HfConfig, shape: AttentionShape): AttentionShape {
  const given = (name: string, usual: number): number => {
    const value = config.has(name) ? config.integer(name, { min: -1, max: MODEL_PARAMS.dModel.max }) : -1
    return value > 0 ? value : usual
  }
  if (given('attn_hidden_size', shape.dModel) !== shape.dModel)
    config.fail('attn_hidden_size', `must be hidden_size (${shape.dModel}): blocks read the whole stream`)
  const headDim = given('kq_head_dim', shape.headDim)
  if (given('v_head_dim', shape.headDim) !== headDim)
    config.fail('v_head_dim', `must be the width of keys (${headDim}): attention has one width`)
  const { min, max } = rangeOf(attention, 'headDim')
  if (headDim < min || headDim > max) config.fail('kq_head_dim', `must be ${min} to ${max}`)
  return { ...shape, headDim }
}

function rotation(config: HfConfig): AttentionExtras {
  if (!config.has('rope') || !config.flag('rope')) return { rope: false }
  const theta = ropeTheta(config)
  const type = config.has('rope_type') ? config.text('rope_type') : 'default'
  if (type === 'default') return { ropeTheta: theta }
  if (type === 'dynamic_ntk') {
    config.note('rope_type dynamic_ntk is left out: it changes the angles only beyond orig_max_position_embeddings')
    return { ropeTheta: theta }
  }
  if (type !== 'ntk') config.fail('rope_type', 'must be default, ntk or dynamic_ntk')
  const length = { min: 1, max: 2 ** 40 }
  const factor =
    config.integer('max_position_embeddings', length) / config.integer('orig_max_position_embeddings', length)
  const { min, max } = rangeOf(attention, 'ropeNtkFactor')
  if (factor < min || factor > max)
    config.fail('max_position_embeddings', `must be ${min} to ${max} times orig_max_position_embeddings`)
  return { ropeTheta: theta, ropeNtkFactor: factor }
}
