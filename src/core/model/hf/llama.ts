// Llama and its relatives: each layer is attention, then a gated feed-forward network.

import { attention } from '../../blocks/attention.ts'
import { activationOf, attentionBlock, attentionShape, FFN_WIDTH, ffnBlock, ropeTheta } from './attention.ts'
import type { HfConfig } from './config.ts'
import { rangeOf } from './config.ts'
import type { ImportPlan } from './plan.ts'
import { LAYERS, LLAMA_ASSUMED, modelSettings, noteBiases, WITHOUT_BIASES } from './settings.ts'

export const llama = (config: HfConfig): ImportPlan => decoder(config, { qkNorm: false, windows: () => () => null })
export const mistral = (config: HfConfig): ImportPlan => decoder(config, { qkNorm: false, windows: mistralWindows })
export const qwen3 = (config: HfConfig): ImportPlan => decoder(config, { qkNorm: true, windows: qwenWindows })

/** Qwen2 and Qwen2.5. */
export function qwen2(config: HfConfig): ImportPlan {
  config.note(`queries, keys and values: ${WITHOUT_BIASES}`)
  return decoder(config, { qkNorm: false, windows: qwenWindows })
}

type Windows = (layer: number) => number | null

interface Traits {
  readonly qkNorm: boolean
  readonly windows: (config: HfConfig, layers: number) => Windows
}

function decoder(config: HfConfig, { qkNorm, windows }: Traits): ImportPlan {
  const settings = modelSettings(config, LLAMA_ASSUMED)
  const { dModel, normEps } = settings
  const layers = config.integer('num_hidden_layers', LAYERS)
  const shape = attentionShape(config, dModel)
  const width = config.integer('intermediate_size', FFN_WIDTH)
  const activation = activationOf(config, 'hidden_act', ['silu'], 'silu')
  noteBiases(config, ['attention_bias', 'mlp_bias'])
  const theta = ropeTheta(config)
  const windowOf = windows(config, layers)
  return {
    settings,
    blocks: Array.from({ length: layers }, (_, i) => {
      const at = `layers.${i}.`
      const extras = { ropeTheta: theta, window: windowOf(i), ...(qkNorm && { qkNormEps: normEps }) }
      return [
        attentionBlock(shape, extras, `${at}input_layernorm.weight`, `${at}self_attn.`),
        ffnBlock(dModel, width, activation, `${at}post_attention_layernorm.weight`, `${at}mlp.`),
      ]
    }).flat(),
    prefixes: ['model.'],
    embedding: { name: 'embed_tokens.weight' },
    finalNorm: { name: 'norm.weight' },
    ignored: /\.rotary_emb\.inv_freq$/,
  }
}

const windowSize = (config: HfConfig): number => config.integer('sliding_window', rangeOf(attention, 'window'))

/** A window w means the current token and w - 1 before it, as in our blocks. */
function mistralWindows(config: HfConfig): Windows {
  const window = config.has('sliding_window') ? windowSize(config) : null
  return () => window
}

/** By layer where `layer_types` says so, else from `max_window_layers` on where windows are used at all. */
function qwenWindows(config: HfConfig, layers: number): Windows {
  const types = config.list('layer_types', (entries, i) => {
    const type = entries.text(i)
    return type === 'full_attention' || type === 'sliding_attention'
      ? type
      : entries.fail(i, 'must be full_attention or sliding_attention')
  })
  if (types !== undefined) {
    if (types.length !== layers) config.fail('layer_types', `has ${types.length} entries for ${layers} layers`)
    return (i) => (types[i] === 'sliding_attention' ? windowSize(config) : null)
  }
  if (!config.has('use_sliding_window') || !config.flag('use_sliding_window') || !config.has('sliding_window'))
    return () => null
  const window = windowSize(config)
  const first = config.integer('max_window_layers', { min: 0, max: LAYERS.max })
  return (i) => (i >= first ? window : null)
}
