// Configs as transformers writes them, and the tensors that belong to them, listed by hand from the model code.

import { sizeOf } from '#core/graph/types.ts'
import type { HfTensor } from '#core/model/import-hf.ts'

export type Config = Readonly<Record<string, unknown>>

export interface Sample {
  readonly config: Config
  /** Names and shapes of the checkpoint. */
  readonly tensors: Readonly<Record<string, readonly number[]>>
}

const repeated = (layers: number, of: (i: number) => Readonly<Record<string, readonly number[]>>) =>
  Object.assign({}, ...Array.from({ length: layers }, (_, i) => of(i))) as Record<string, readonly number[]>

/** Tensors in which every element of tensor k (in the order of the list) is k + 1. */
export function numbered(shapes: Sample['tensors']): Map<string, HfTensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape], k) => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)).fill(k + 1) },
    ]),
  )
}

const attention = (at: string, d: number, q: number, kv: number) => ({
  [`${at}q_proj.weight`]: [q, d],
  [`${at}k_proj.weight`]: [kv, d],
  [`${at}v_proj.weight`]: [kv, d],
  [`${at}o_proj.weight`]: [d, q],
})
const gated = (at: string, d: number, f: number) => ({
  [`${at}gate_proj.weight`]: [f, d],
  [`${at}up_proj.weight`]: [f, d],
  [`${at}down_proj.weight`]: [d, f],
})
const ssd = (at: string, d: number, inner: number, heads: number, pairs: number) => ({
  [`${at}in_proj.weight`]: [2 * inner + 2 * pairs + heads, d],
  [`${at}conv1d.weight`]: [inner + 2 * pairs, 1, 4],
  [`${at}conv1d.bias`]: [inner + 2 * pairs],
  [`${at}dt_bias`]: [heads],
  [`${at}A_log`]: [heads],
  [`${at}D`]: [heads],
  [`${at}norm.weight`]: [inner],
  [`${at}out_proj.weight`]: [d, inner],
})

/** Heads wider than the stream, norms of queries and keys, an untied head. */
export const QWEN3: Sample = {
  config: {
    model_type: 'qwen3',
    hidden_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    intermediate_size: 24,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    rope_theta: 1000000,
    rope_scaling: null,
    tie_word_embeddings: false,
    use_sliding_window: false,
    max_window_layers: 2,
    vocab_size: 32,
  },
  tensors: {
    'model.embed_tokens.weight': [32, 16],
    ...repeated(2, (i) => ({
      [`model.layers.${i}.input_layernorm.weight`]: [16],
      ...attention(`model.layers.${i}.self_attn.`, 16, 32, 16),
      [`model.layers.${i}.self_attn.q_norm.weight`]: [8],
      [`model.layers.${i}.self_attn.k_norm.weight`]: [8],
      [`model.layers.${i}.post_attention_layernorm.weight`]: [16],
      ...gated(`model.layers.${i}.mlp.`, 16, 24),
    })),
    'model.norm.weight': [16],
    'lm_head.weight': [32, 16],
  },
}

export const MAMBA: Sample = {
  config: {
    model_type: 'mamba',
    hidden_size: 16,
    num_hidden_layers: 2,
    state_size: 4,
    expand: 2,
    conv_kernel: 4,
    use_bias: false,
    use_conv_bias: true,
    hidden_act: 'silu',
    time_step_rank: 3,
    layer_norm_epsilon: 1e-5,
    tie_word_embeddings: true,
    vocab_size: 32,
  },
  tensors: {
    'backbone.embeddings.weight': [32, 16],
    ...repeated(2, (i) => ({
      [`backbone.layers.${i}.norm.weight`]: [16],
      [`backbone.layers.${i}.mixer.in_proj.weight`]: [64, 16],
      [`backbone.layers.${i}.mixer.conv1d.weight`]: [32, 1, 4],
      [`backbone.layers.${i}.mixer.conv1d.bias`]: [32],
      [`backbone.layers.${i}.mixer.x_proj.weight`]: [3 + 8, 32],
      [`backbone.layers.${i}.mixer.dt_proj.weight`]: [32, 3],
      [`backbone.layers.${i}.mixer.dt_proj.bias`]: [32],
      [`backbone.layers.${i}.mixer.A_log`]: [32, 4],
      [`backbone.layers.${i}.mixer.D`]: [32],
      [`backbone.layers.${i}.mixer.out_proj.weight`]: [16, 32],
    })),
    'backbone.norm_f.weight': [16],
  },
}

export const NEMOTRON_H: Sample = {
  config: {
    model_type: 'nemotron_h',
    hidden_size: 16,
    hybrid_override_pattern: 'M-*-',
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    intermediate_size: 24,
    mlp_hidden_act: 'relu2',
    mamba_hidden_act: 'silu',
    mamba_num_heads: 6,
    mamba_head_dim: 4,
    n_groups: 2,
    ssm_state_size: 4,
    conv_kernel: 4,
    use_conv_bias: true,
    time_step_min: 0.001,
    layer_norm_epsilon: 1e-5,
    tie_word_embeddings: false,
    vocab_size: 32,
  },
  tensors: {
    'backbone.embeddings.weight': [32, 16],
    ...repeated(4, (i) => ({ [`backbone.layers.${i}.norm.weight`]: [16] })),
    ...ssd('backbone.layers.0.mixer.', 16, 24, 6, 8),
    'backbone.layers.1.mixer.up_proj.weight': [24, 16],
    'backbone.layers.1.mixer.down_proj.weight': [16, 24],
    ...attention('backbone.layers.2.mixer.', 16, 32, 16),
    'backbone.layers.3.mixer.up_proj.weight': [24, 16],
    'backbone.layers.3.mixer.down_proj.weight': [16, 24],
    'backbone.norm_f.weight': [16],
    'lm_head.weight': [32, 16],
  },
}

export const NEMOTRON_FLASH: Sample = {
  config: {
    model_type: 'nemotron_flash',
    hidden_size: 128,
    num_hidden_layers: 6,
    layer_types: ['deltanet', 'f', 'm2', 'f', 'a', 'f'],
    num_attention_heads: 4,
    num_key_value_heads: 2,
    intermediate_size: 0,
    ffn_expand_ratio: 1.5,
    mlp_hidden_act: 'silu',
    kq_norm: 'none',
    kq_head_dim: -1,
    v_head_dim: -1,
    attn_hidden_size: -1,
    rope: true,
    rope_theta: 10000.0,
    rope_type: 'ntk',
    max_position_embeddings: 29000,
    orig_max_position_embeddings: 4096,
    mamba_d_state: 16,
    mamba_d_conv: 4,
    mamba_expand: 2,
    mamba2_headdim: 64,
    num_memory_tokens: 3,
    sliding_window: null,
    global_attn_idx: [],
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
    vocab_size: 32,
  },
  tensors: {
    'model.memory_tokens': [3, 128],
    'model.embed_tokens.weight': [32, 128],
    'model.layers.0.input_layernorm.weight': [128],
    ...repeated(1, () => ({
      'model.layers.0.gla.q_proj.weight': [128, 128],
      'model.layers.0.gla.k_proj.weight': [128, 128],
      'model.layers.0.gla.v_proj.weight': [128, 128],
      'model.layers.0.gla.b_proj.weight': [4, 128],
      'model.layers.0.gla.q_conv1d.weight': [128, 1, 4],
      'model.layers.0.gla.k_conv1d.weight': [128, 1, 4],
      'model.layers.0.gla.v_conv1d.weight': [128, 1, 4],
      'model.layers.0.gla.o_norm.weight': [32],
      'model.layers.0.gla.o_proj.weight': [128, 128],
    })),
    'model.layers.2.input_layernorm.weight': [128],
    ...ssd('model.layers.2.mamba.', 128, 256, 4, 16),
    'model.layers.4.input_layernorm.weight': [128],
    ...attention('model.layers.4.self_attn.', 128, 128, 64),
    // 1.5 x 128 = 192, rounded down to 128
    ...[1, 3, 5].reduce(
      (all, i) => ({
        ...all,
        [`model.layers.${i}.pre_ffn_layernorm.weight`]: [128],
        ...gated(`model.layers.${i}.ffn.`, 128, 128),
      }),
      {},
    ),
    'model.final_layernorm.weight': [128],
  },
}

/** The published configs of larger models, with the parameters that their checkpoints hold. */
export const PUBLISHED: readonly { readonly name: string; readonly params: number; readonly config: Config }[] = [
  {
    name: 'Llama-3.2-1B',
    params: 1_235_814_400,
    config: {
      model_type: 'llama',
      hidden_size: 2048,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 64,
      intermediate_size: 8192,
      hidden_act: 'silu',
      attention_bias: false,
      mlp_bias: false,
      rms_norm_eps: 1e-5,
      rope_theta: 500000.0,
      rope_scaling: { factor: 32.0, high_freq_factor: 4.0, low_freq_factor: 1.0, rope_type: 'llama3' },
      tie_word_embeddings: true,
      vocab_size: 128256,
    },
  },
  {
    name: 'Qwen3-0.6B',
    params: 596_049_920,
    config: {
      model_type: 'qwen3',
      hidden_size: 1024,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: 3072,
      hidden_act: 'silu',
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      sliding_window: null,
      use_sliding_window: false,
      tie_word_embeddings: true,
      vocab_size: 151936,
    },
  },
  {
    name: 'Mistral-7B-v0.1',
    params: 7_241_732_096,
    config: {
      model_type: 'mistral',
      hidden_size: 4096,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      intermediate_size: 14336,
      hidden_act: 'silu',
      rms_norm_eps: 1e-5,
      rope_theta: 10000.0,
      sliding_window: 4096,
      tie_word_embeddings: false,
      vocab_size: 32000,
    },
  },
  {
    name: 'mamba-130m',
    params: 129_135_360,
    config: {
      model_type: 'mamba',
      hidden_size: 768,
      num_hidden_layers: 24,
      state_size: 16,
      expand: 2,
      conv_kernel: 4,
      use_bias: false,
      use_conv_bias: true,
      time_step_rank: 48,
      layer_norm_epsilon: 1e-5,
      tie_word_embeddings: true,
      vocab_size: 50280,
    },
  },
  {
    name: 'mamba2-130m',
    params: 128_989_632,
    config: {
      model_type: 'mamba2',
      hidden_size: 768,
      num_hidden_layers: 24,
      state_size: 128,
      expand: 2,
      head_dim: 64,
      num_heads: 24,
      n_groups: 1,
      conv_kernel: 4,
      use_bias: false,
      use_conv_bias: true,
      layer_norm_epsilon: 1e-5,
      tie_word_embeddings: true,
      vocab_size: 50288,
    },
  },
  {
    name: 'Nemotron-H-8B',
    params: 8_100_852_736,
    config: {
      model_type: 'nemotron_h',
      hidden_size: 4096,
      hybrid_override_pattern: 'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-',
      num_attention_heads: 32,
      num_key_value_heads: 8,
      attention_head_dim: 128,
      intermediate_size: 21504,
      mlp_hidden_act: 'relu2',
      mamba_num_heads: 128,
      mamba_head_dim: 64,
      n_groups: 8,
      ssm_state_size: 128,
      conv_kernel: 4,
      use_conv_bias: true,
      time_step_min: 0.001,
      layer_norm_epsilon: 1e-5,
      tie_word_embeddings: false,
      vocab_size: 131072,
    },
  },
]
