// Imports against what transformers computes with the same files, against the sizes of published models, and against
// configs and checkpoints that are not what they should be.

import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { interpret } from '#core/graph/interpret.ts'
import type { Tensor } from '#core/graph/tensor.ts'
import { countSpec } from '#core/model/counts.ts'
import { importHfConfig, importHfWeights, parseHfConfig } from '#core/model/import-hf.ts'
import type { HfTensor } from '#core/model/import-hf.ts'
import { lower } from '#core/model/lower.ts'
import { decodeSafetensors } from '#core/model/safetensors.ts'
import { hashSpec, resolveSpec } from '#core/model/spec.ts'
import { printPattern, printSpecText } from '#core/model/text.ts'
import { ops } from '#core/ops/index.ts'
import { optimise } from '#core/passes/pipeline.ts'
import { listPresets } from '#main/runtime/presets.ts'
import { MAMBA, NEMOTRON_FLASH, NEMOTRON_H, numbered, PUBLISHED, QWEN3 } from './hf/samples.ts'
import type { Config, Sample } from './hf/samples.ts'

const FOLDER = join(import.meta.dirname, '../../golden/vectors/hf')
const read = (name: string, file: string): Buffer => readFileSync(join(FOLDER, name, file))
const golden = (name: string): unknown => parseHfConfig(read(name, 'config.json').toString('utf8'))

function checkpoint(name: string): Map<string, HfTensor> {
  const file = decodeSafetensors(read(name, 'model.safetensors'))
  return new Map([...file.tensors].map(([key, { shape }]) => [key, { shape, data: file.readFloats(key) }]))
}

const TINY = [
  ['llama_tiny', '(a{headDim: 8, nKvHeads: 2} f{intermediateSize: 96})x3'],
  ['mamba2_tiny', '(m2{headDim: 16, dState: 16})x4'],
  [
    'qwen3_next_gdn_tiny',
    '(gdn{headDim: 8, nHeads: 2, nVHeads: 4, expandV: 1.5, normEps: 0.000001} f{intermediateSize: 64})x3',
  ],
] as const

describe.skipIf(!existsSync(FOLDER))('checkpoints written by transformers', () => {
  it.for(TINY)('%s gives the same logits', ([name, pattern]) => {
    const config = golden(name)
    const { spec, notes } = importHfConfig(config)
    expect(printPattern(spec.blocks)).toBe(pattern)
    expect(notes).toEqual([])
    const weights = importHfWeights(config, checkpoint(name))

    const reference = decodeSafetensors(read(name, 'reference.safetensors'))
    const tokens = reference.read('input_ids') as Int32Array
    const expected = reference.readFloats('logits')
    const [batchSize, seqLen] = reference.tensors.get('input_ids')!.shape as [number, number]
    const { graph } = lower(resolveSpec(spec), { phase: 'train', batchSize, seqLen, outputs: ['logits'] })
    const feeds = new Map<string, Tensor>([
      ['tokens', { dtype: 'i32', shape: [batchSize, seqLen], data: Float64Array.from(tokens) }],
    ])
    for (const [key, { shape, data }] of weights) feeds.set(key, { dtype: 'f32', shape, data: Float64Array.from(data) })
    const run = interpret(optimise(graph, { claims: () => false }), feeds, ops)
    const logits = run.get('logits')!.data
    expect(logits.length).toBe(expected.length)
    const largest = Math.max(...expected.map(Math.abs))
    const error = Math.max(...expected.map((x, i) => Math.abs(x - logits[i]!)))
    expect(error / largest).toBeLessThanOrEqual(1e-4)
  })
})

describe('published models', () => {
  it.for(PUBLISHED)('$name has $params parameters', ({ config, params }) => {
    expect(countSpec(resolveSpec(importHfConfig(config).spec), 8).params).toBe(params)
  })

  it.for([
    ['llama-3.2-1b', 'Llama-3.2-1B'],
    ['qwen3-0.6b', 'Qwen3-0.6B'],
  ] as const)('the preset %s is what the config of %s says', ([id, name]) => {
    const preset = listPresets().find((p) => p.id === id)!
    const { config } = PUBLISHED.find((p) => p.name === name)!
    expect(hashSpec(importHfConfig(config).spec)).toBe(hashSpec(preset.spec))
  })

  it('the preset nemotron-flash-3b is what a config in the manner of its remote code says', () => {
    const stack = ['deltanet', 'f', 'm2', 'f', 'a', 'f', 'm2', 'f']
    const layers = [...stack, ...stack, ...stack, ...Array.from({ length: 3 }, () => stack.slice(0, 4)).flat()]
    const { spec } = importHfConfig({
      ...NEMOTRON_FLASH.config,
      hidden_size: 3072,
      num_hidden_layers: 36,
      layer_types: layers,
      num_attention_heads: 24,
      num_key_value_heads: 6,
      ffn_expand_ratio: 3,
      rope_type: 'default',
      mamba_d_state: 128,
      num_memory_tokens: 256,
      vocab_size: 131072,
    })
    expect(hashSpec(spec)).toBe(hashSpec(listPresets().find((p) => p.id === 'nemotron-flash-3b')!.spec))
  })
})

describe('config', () => {
  const textOf = (config: Config): string => printSpecText(importHfConfig(config).spec)
  const llama = PUBLISHED[0]!.config

  it('notes rotary scaling, and what had to be assumed', () => {
    expect(importHfConfig(llama).notes).toEqual([expect.stringContaining('"llama3"')])
    const { rope_theta: _, rope_scaling: __, ...rest } = llama
    expect(importHfConfig(rest).notes).toEqual(['the config has no rope_theta; 10000 is assumed'])
    const nested = { ...rest, rope_parameters: { rope_type: 'default', rope_theta: 500000.0 } }
    expect(importHfConfig(nested).notes).toEqual([])
    expect(importHfConfig(nested).spec.blocks).toEqual(importHfConfig(llama).spec.blocks)
  })

  it('derives the width of heads where it is not given', () => {
    const { head_dim: _, ...rest } = llama
    expect(textOf({ ...rest, head_dim: null })).toBe(textOf(llama))
  })

  it('names the spec after the model', () => {
    expect(importHfConfig(llama).spec.name).toBe('llama')
    expect(importHfConfig({ ...llama, _name_or_path: 'meta-llama/Llama-3.2-1B' }).spec.name).toBe('Llama-3.2-1B')
  })

  it('gives windows to the layers that have one', () => {
    const mistral = PUBLISHED.find((p) => p.name === 'Mistral-7B-v0.1')!.config
    expect(textOf(mistral)).toContain('window: 4096')
    expect(textOf({ ...mistral, sliding_window: null })).not.toContain('window')
    const windowed = { ...QWEN3.config, num_hidden_layers: 3, sliding_window: 5 }
    const windows = (config: Config): unknown[] =>
      resolveSpec(importHfConfig(config).spec)
        .blocks.filter(({ params }) => 'window' in params)
        .map(({ params }) => params['window'])
    expect(windows(windowed)).toEqual([null, null, null])
    expect(windows({ ...windowed, use_sliding_window: true, max_window_layers: 1 })).toEqual([null, 5, 5])
    const layer_types = ['sliding_attention', 'full_attention', 'sliding_attention']
    expect(windows({ ...windowed, layer_types })).toEqual([5, null, 5])
  })

  it('notes the biases of Qwen2', () => {
    expect(importHfConfig({ ...QWEN3.config, model_type: 'qwen2' }).notes).toEqual([expect.stringContaining('biases')])
  })

  it('reads Nemotron-H in its old and new words', () => {
    const pattern = (config: Config): string => printPattern(importHfConfig(config).spec.blocks)
    const { hybrid_override_pattern: _, ...rest } = NEMOTRON_H.config
    const expected = pattern(NEMOTRON_H.config)
    expect(expected).toBe(
      'm2{expand: 1.5, headDim: 4, dtMin: 0.001, nGroups: 2, dState: 4} f{intermediateSize: 24, activation: relu2} a{headDim: 8, nHeads: 4, nKvHeads: 2, rope: false} f{intermediateSize: 24, activation: relu2}',
    )
    expect(pattern({ ...rest, layers_block_type: ['mamba', 'mlp', 'attention', 'mlp'] })).toBe(expected)
    expect(pattern({ ...rest, layer_types: ['linear_attention', 'mlp', 'full_attention', 'mlp'] })).toBe(expected)
    // Nemotron-Nano-9B-v2: the inner width is 16/7 of the model width
    const nano = { ...NEMOTRON_H.config, hidden_size: 4480, mamba_num_heads: 128, mamba_head_dim: 80 }
    expect(countSpec(resolveSpec(importHfConfig(nano).spec), 8).params).toBeGreaterThan(0)
  })

  it('reads Nemotron-Flash with windows, other heads and networks behind its mixers', () => {
    const { config } = NEMOTRON_FLASH
    expect(textOf(config)).toContain(`ropeNtkFactor: ${29000 / 4096}`)
    expect(textOf({ ...config, rope: false })).toContain('rope: false')
    expect(textOf({ ...config, kq_norm: 'rms', kq_head_dim: 16, v_head_dim: 16 })).toContain('qkNorm: true')
    expect(textOf({ ...config, kq_head_dim: 16, v_head_dim: 16 })).toContain('headDim: 16, nHeads: 4')
    expect(textOf({ ...config, sliding_window: 8 })).toContain('window: 8')
    expect(textOf({ ...config, sliding_window: 8, global_attn_idx: [4] })).not.toContain('window')
    const behind = importHfConfig({ ...config, intermediate_size: 256, ffn_expand_ratio: null }).spec
    expect(
      resolveSpec(behind)
        .blocks.map(({ block }) => block.symbol)
        .join(' '),
    ).toBe('d f f m2 f f a f f')
  })

  it.for<readonly [string, unknown]>([
    ['config', null],
    ['config', [llama]],
    ['config', 'llama'],
    ['model_type', {}],
    ['model_type', { ...llama, model_type: 'mixtral' }],
    ['model_type', { ...llama, model_type: '__proto__' }],
    ['model_type', { ...llama, model_type: 7 }],
    ['hidden_size', { ...llama, hidden_size: undefined }],
    ['hidden_size', { ...llama, hidden_size: '2048' }],
    ['hidden_size', { ...llama, hidden_size: 1e9 }],
    ['hidden_size', { ...llama, hidden_size: 20.5 }],
    ['num_hidden_layers', { ...llama, num_hidden_layers: 1e9 }],
    ['num_hidden_layers', { ...llama, num_hidden_layers: -1 }],
    ['num_attention_heads', { ...llama, num_attention_heads: 0 }],
    ['num_attention_heads', { ...llama, head_dim: null, num_attention_heads: 24 }],
    ['num_key_value_heads', { ...llama, num_key_value_heads: 5 }],
    ['intermediate_size', { ...llama, intermediate_size: NaN }],
    ['hidden_act', { ...llama, hidden_act: 'gelu' }],
    ['rms_norm_eps', { ...llama, rms_norm_eps: { __float__: 'Infinity' } }],
    ['rope_theta', { ...llama, rope_theta: -1 }],
    ['rope_parameters.rope_theta', { ...llama, rope_parameters: { rope_theta: 'x' } }],
    ['rope_parameters', { ...llama, rope_parameters: [] }],
    ['partial_rotary_factor', { ...llama, partial_rotary_factor: 0.5 }],
    ['tie_word_embeddings', { ...llama, tie_word_embeddings: 1 }],
    ['vocab_size', { ...llama, vocab_size: 2 ** 40 }],
    ['layer_types', { ...QWEN3.config, layer_types: ['full_attention'] }],
    ['layer_types[1]', { ...QWEN3.config, layer_types: ['full_attention', 'chunked_attention'] }],
    ['layer_types[0]', { ...QWEN3.config, layer_types: [null, null] }],
    ['layer_types', { ...QWEN3.config, layer_types: new Array<string>(100000).fill('full_attention') }],
    ['time_step_limit', { ...PUBLISHED[4]!.config, time_step_limit: [1] }],
    ['time_step_limit', { ...PUBLISHED[4]!.config, time_step_limit: [2, 1] }],
    ['time_step_limit[0]', { ...PUBLISHED[4]!.config, time_step_limit: ['a', 1] }],
    ['num_heads', { ...PUBLISHED[4]!.config, num_heads: 23 }],
    ['hybrid_override_pattern', { ...NEMOTRON_H.config, hybrid_override_pattern: 'MEM' }],
    ['hybrid_override_pattern', { ...NEMOTRON_H.config, hybrid_override_pattern: '' }],
    ['hybrid_override_pattern', { ...NEMOTRON_H.config, hybrid_override_pattern: 'M'.repeat(5000) }],
    ['layers_block_type[0]', { ...NEMOTRON_H.config, layers_block_type: ['moe'] }],
    ['mamba_num_heads', { ...NEMOTRON_H.config, mamba_num_heads: 1000 }],
    ['layer_types', { ...NEMOTRON_FLASH.config, layer_types: [] }],
    ['layer_types[1]', { ...NEMOTRON_FLASH.config, layer_types: ['a', 'constructor'] }],
    ['num_hidden_layers', { ...NEMOTRON_FLASH.config, num_hidden_layers: 5 }],
    ['ffn_expand_ratio', { ...NEMOTRON_FLASH.config, ffn_expand_ratio: 0.5 }],
    ['kq_norm', { ...NEMOTRON_FLASH.config, kq_norm: 'l2' }],
    ['v_head_dim', { ...NEMOTRON_FLASH.config, v_head_dim: 64 }],
    ['rope_type', { ...NEMOTRON_FLASH.config, rope_type: 'yarn' }],
    ['max_position_embeddings', { ...NEMOTRON_FLASH.config, max_position_embeddings: 1 }],
  ])('refuses a bad %s', ([path, config]) => {
    expect(() => importHfConfig(config)).toThrow(expect.objectContaining({ code: 'spec-invalid', path }))
  })

  it.skipIf(!existsSync(FOLDER))('refuses full attention and experts of Qwen3-Next', () => {
    const config = golden('qwen3_next_gdn_tiny') as Config
    const refused = (change: Config, path: string): void =>
      expect(() => importHfConfig({ ...config, ...change })).toThrow(
        expect.objectContaining({ code: 'spec-invalid', path }),
      )
    refused({ layer_types: ['linear_attention', 'full_attention', 'linear_attention'] }, 'layer_types')
    refused({ layer_types: undefined, num_hidden_layers: 4 }, 'layer_types')
    refused({ num_experts: 8, mlp_only_layers: [0, 2] }, 'num_experts')
    expect(importHfConfig({ ...config, layer_types: undefined }).notes).toEqual([])
    expect(importHfConfig({ ...config, num_experts: 8 }).notes).toEqual([])
  })

  it('refuses or accepts whatever stands in a field, and does nothing else', () => {
    const samples = [llama, QWEN3.config, MAMBA.config, PUBLISHED[4]!.config, NEMOTRON_H.config, NEMOTRON_FLASH.config]
    const junk = fc.oneof(
      fc.constantFrom<unknown>(null, undefined, 0, -1, 1, 2.5, 1e308, NaN, Infinity, '', 'auto', true, [], {}, [[]]),
      fc.integer(),
      fc.double(),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const change = fc
      .constantFrom(...samples)
      .chain((config) =>
        fc.record({ config: fc.constant(config), field: fc.constantFrom(...Object.keys(config)), value: junk }),
      )
    fc.assert(
      fc.property(change, ({ config, field, value }) => {
        try {
          const { spec } = importHfConfig({ ...config, [field]: value })
          resolveSpec(spec)
        } catch (error) {
          if (!(error instanceof HeddleError) || error.code !== 'spec-invalid' || error.path === undefined) throw error
        }
      }),
      { numRuns: 600 },
    )
  })
})

describe('the text of a config', () => {
  it('may hold the infinities and NaN of Python', () => {
    const text = '{"a": [0.0, Infinity], "b": -Infinity, "c": NaN, "d": "Infinity \\" NaN", "NaN": 1}'
    expect(parseHfConfig(text)).toEqual({
      a: [0, { __float__: 'Infinity' }],
      b: { __float__: '-Infinity' },
      c: { __float__: 'NaN' },
      d: 'Infinity " NaN',
      NaN: 1,
    })
  })

  it('means the same in both spellings', () => {
    const limits = (text: string): string =>
      printSpecText(importHfConfig({ ...PUBLISHED[4]!.config, time_step_limit: parseHfConfig(text) }).spec)
    expect(limits('[0.0, Infinity]')).toBe(limits('[0.0, {"__float__": "Infinity"}]'))
    expect(limits('[0.001, 0.5]')).toContain('dtMin: 0.001, dtMax: 0.5')
  })

  it.for(['', '{', 'Infinityy', '{"a": Infinity1}', '<html>', '{"a": "}', '['.repeat(100000)])(
    '%#: refuses what is not JSON',
    (text) => {
      expect(() => parseHfConfig(text)).toThrow(expect.objectContaining({ code: 'file-invalid' }))
    },
  )

  it('refuses texts without end', () => {
    expect(() => parseHfConfig(' '.repeat(5 * 2 ** 20))).toThrow(expect.objectContaining({ code: 'file-invalid' }))
  })
})

describe('weights', () => {
  const samples: readonly (readonly [string, Sample])[] = [
    ['qwen3', QWEN3],
    ['mamba', MAMBA],
    ['nemotron_h', NEMOTRON_H],
    ['nemotron_flash', NEMOTRON_FLASH],
  ]

  it.for(samples)('%s: every tensor becomes one weight of the right shape', ([, { config, tensors }]) => {
    const source = numbered(tensors)
    const weights = importHfWeights(config, source)
    const { weights: declared } = lower(resolveSpec(importHfConfig(config).spec), {
      phase: 'decode',
      batchSize: 1,
      seqLen: 1,
    })
    expect([...weights].map(([name, { shape }]) => [name, shape])).toEqual(
      declared.map(({ name, shape }) => [name, shape]),
    )
    expect([...weights.values()].map(({ data }) => data[0]!).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: source.size }, (_, k) => k + 1),
    )
  })

  it.for<readonly [string, Sample, Readonly<Record<string, string>>]>([
    [
      'qwen3',
      QWEN3,
      {
        'model.layers.1.self_attn.k_norm.weight': 'layers.2.mixer.k_norm.weight',
        'model.layers.1.post_attention_layernorm.weight': 'layers.3.norm.weight',
        'model.layers.0.mlp.down_proj.weight': 'layers.1.mixer.down_proj.weight',
        'lm_head.weight': 'lm_head.weight',
      },
    ],
    [
      'mamba',
      MAMBA,
      { 'backbone.layers.1.mixer.A_log': 'layers.1.mixer.A_log', 'backbone.norm_f.weight': 'final_norm.weight' },
    ],
    [
      'nemotron_h',
      NEMOTRON_H,
      {
        'backbone.layers.0.mixer.norm.weight': 'layers.0.mixer.norm.weight',
        'backbone.layers.2.mixer.v_proj.weight': 'layers.2.mixer.v_proj.weight',
        'backbone.layers.3.mixer.up_proj.weight': 'layers.3.mixer.up_proj.weight',
      },
    ],
    [
      'nemotron_flash',
      NEMOTRON_FLASH,
      {
        'model.memory_tokens': 'memory_tokens',
        'model.layers.0.gla.v_conv1d.weight': 'layers.0.mixer.v_conv1d.weight',
        'model.layers.3.pre_ffn_layernorm.weight': 'layers.3.norm.weight',
        'model.layers.2.mamba.dt_bias': 'layers.2.mixer.dt_bias',
        'model.final_layernorm.weight': 'final_norm.weight',
      },
    ],
  ])('%s: tensors arrive where they belong', ([, { config, tensors }, pairs]) => {
    const source = numbered(tensors)
    const weights = importHfWeights(config, source)
    for (const [theirs, ours] of Object.entries(pairs)) expect(weights.get(ours), ours).toBe(source.get(theirs))
  })

  it('of Nemotron-H may have the newer prefix', () => {
    const renamed = new Map(
      [...numbered(NEMOTRON_H.tensors)].map(([name, t]) => [name.replace('backbone.', 'model.'), t]),
    )
    expect(importHfWeights(NEMOTRON_H.config, renamed).size).toBe(renamed.size)
  })

  const changed = (change: (tensors: Map<string, HfTensor>) => unknown, { config, tensors }: Sample = QWEN3) => {
    const source = numbered(tensors)
    change(source)
    return () => importHfWeights(config, source)
  }
  const refusal = (path: string) => expect.objectContaining({ code: 'checkpoint-invalid', path }) as Error
  const NAME = 'model.layers.0.self_attn.q_proj.weight'

  it('are refused when a tensor is missing, misshapen or cut off', () => {
    expect(changed((t) => t.delete(NAME))).toThrow(refusal(NAME))
    expect(changed((t) => t.set(NAME, { shape: [16, 32], data: new Float32Array(512) }))).toThrow(refusal(NAME))
    expect(changed((t) => t.set(NAME, { shape: [32, 16], data: new Float32Array(511) }))).toThrow(refusal(NAME))
    expect(changed((t) => t.clear())).toThrow(refusal('model.embed_tokens.weight'))
  })

  it('are refused when something has no place, unless it means nothing', () => {
    const bias = 'model.layers.0.self_attn.q_proj.bias'
    const one = (value: number): HfTensor => ({ shape: [1], data: Float32Array.of(value) })
    expect(changed((t) => t.set(bias, one(0.5)))).toThrow(refusal(bias))
    expect(changed((t) => t.set('model.layers.2.input_layernorm.weight', one(1)))).toThrow(
      refusal('model.layers.2.input_layernorm.weight'),
    )
    expect(changed((t) => t.set(bias, one(0)))).not.toThrow()
    expect(changed((t) => t.set('model.layers.0.self_attn.rotary_emb.inv_freq', one(1)))).not.toThrow()
  })

  it('may hold a tied head once more, if it is the same', () => {
    const embedding = 'backbone.embeddings.weight'
    const head = (value?: number) => (t: Map<string, HfTensor>) => {
      const data = Float32Array.from(t.get(embedding)!.data)
      if (value !== undefined) data[7] = value
      t.set('lm_head.weight', { shape: [32, 16], data })
    }
    expect(changed(head(), MAMBA)().has('lm_head.weight')).toBe(false)
    expect(changed(head(99), MAMBA)).toThrow(refusal('lm_head.weight'))
  })

  it.skipIf(!existsSync(FOLDER))('of Qwen3-Next are refused when a fused tensor is misshapen', () => {
    const tensors = checkpoint('qwen3_next_gdn_tiny')
    const name = 'model.layers.1.linear_attn.in_proj_qkvz.weight'
    tensors.set(name, { shape: [127, 32], data: new Float32Array(127 * 32) })
    expect(() => importHfWeights(golden('qwen3_next_gdn_tiny'), tensors)).toThrow(refusal(name))
  })
})
