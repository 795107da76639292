// Settings under which every block is tested: small, with all of its branches taken somewhere.

import { blockOf } from '#core/blocks/index.ts'
import type { Block } from '#core/blocks/index.ts'
import type { Tensor } from '#core/graph/tensor.ts'
import { lowerBlock } from '#core/model/lower.ts'
import type { LowerBlockOptions, LoweredModel } from '#core/model/lower.ts'
import { resolveParams } from '#core/params.ts'
import type { ParamValues } from '#core/params.ts'
import { rng } from '#core/rng.ts'
import { normal } from './evaluate.ts'

export interface BlockSample {
  readonly label: string
  readonly block: Block
  readonly dModel: number
  readonly params: ParamValues
  readonly metaTokens: number
  /** Reads the first value of an earlier block of its kind, given as the input `v_first`. */
  readonly valueResidual: boolean
}

const SETTINGS: Readonly<
  Record<string, readonly (ParamValues & { readonly d: number; readonly meta?: number; readonly residual?: boolean })[]>
> = {
  attention: [
    { d: 24, headDim: 8, nHeads: 3, nKvHeads: 1 },
    { d: 20, headDim: 6, nHeads: 4, nKvHeads: 2, qkNorm: true, ropeTheta: 500 },
    { d: 16, headDim: 8, nHeads: 4, nKvHeads: 4, rope: false },
    { d: 16, headDim: 8, window: 5 },
    { d: 16, headDim: 8, window: 1, nKvHeads: 1 },
    { d: 16, headDim: 8, window: 4, meta: 3 },
    { d: 16, headDim: 8, window: 6, meta: 3, metaAlwaysVisible: true, nKvHeads: 1 },
    { d: 16, headDim: 4, window: 500, ropeNtkFactor: 4 },
  ],
  mamba2: [
    { d: 12, expand: 2, headDim: 6, dState: 5 },
    { d: 16, expand: 2, headDim: 4, dState: 3, nGroups: 2, dConv: 2 },
    { d: 16, expand: 1, headDim: 8, dState: 4, nGroups: 2, normGroups: 1, convBias: false, dtMin: 0.4, dtMax: 0.9 },
  ],
  mamba1: [
    { d: 8, expand: 2, dState: 4 },
    { d: 6, expand: 1.5, dState: 1, dtRank: 3, dConv: 3, convBias: false },
  ],
  deltanet: [
    { d: 16, nHeads: 2 },
    { d: 12, nHeads: 2, expandK: 0.5, expandV: 1.5, useShortConv: false, useGate: true },
    { d: 12, nHeads: 3, convSize: 2, allowNegEigval: true },
    { d: 8, useBeta: false },
  ],
  gated_deltanet: [
    { d: 16, headDim: 6, nHeads: 2 },
    { d: 12, headDim: 4, nHeads: 2, nVHeads: 4, expandV: 1.5, allowNegEigval: true, useGate: false },
    { d: 12, headDim: 4, nHeads: 1, nVHeads: 3, expandV: 1, useShortConv: false, convSize: 3 },
  ],
  gla: [
    { d: 16, nHeads: 2 },
    { d: 12, nHeads: 3, expandK: 1, expandV: 0.5, gateLowRankDim: 3, gateLogitNormalizer: 0.5, clampMin: -1.5 },
    { d: 8, nHeads: 1, gateLogitNormalizer: 0.25 },
  ],
  retnet: [
    { d: 16, nHeads: 2 },
    { d: 12, nHeads: 3, expandK: 0.5, expandV: 1, ropeTheta: 100 },
  ],
  linear_attention: [
    { d: 16, nHeads: 2 },
    { d: 12, nHeads: 2, expandK: 0.5, expandV: 1.5, featureMap: 'elu', normalize: true, outputNorm: 'identity' },
    { d: 12, nHeads: 3, featureMap: 'relu', outputNorm: 'rmsnorm' },
    { d: 8, nHeads: 1, featureMap: 'identity', outputNorm: 'identity' },
  ],
  rwkv7: [
    { d: 16, headDim: 8, decayLowRankDim: 3, aLowRankDim: 4, vLowRankDim: 2, gateLowRankDim: 5 },
    { d: 12, headDim: 4, decayLowRankDim: 3, aLowRankDim: 4, vLowRankDim: 2, gateLowRankDim: 5, residual: true },
  ],
  ffn: [
    { d: 10, intermediateSize: 14 },
    { d: 10, intermediateSize: 14, activation: 'relu2' },
    { d: 10, activation: 'gelu' },
  ],
  rwkv7_channel_mix: [{ d: 10 }, { d: 6, intermediateSize: 9 }],
}

/** The samples of a kind; empty for a kind that has none. */
export function samplesOf(kind: string): BlockSample[] {
  const block = blockOf(kind, 'kind')
  return (SETTINGS[kind] ?? []).map(({ d, meta = 0, residual = false, ...given }) => {
    const params = resolveParams(block.params, given, { dModel: d }, kind)
    block.check?.(params as never, { dModel: d }, kind)
    return {
      label: JSON.stringify({ d, ...(meta > 0 && { meta }), ...(residual && { residual }), ...given }),
      block,
      dModel: d,
      params,
      metaTokens: meta,
      valueResidual: residual,
    }
  })
}

/** Lowers a sample with caches for `capacity` tokens. */
export function lowerSample(
  sample: BlockSample,
  phase: LowerBlockOptions['phase'],
  batchSize: number,
  length: number,
  capacity = length,
): LoweredModel {
  const { block, params, dModel, metaTokens, valueResidual } = sample
  const shared = valueResidual ? { 'rwkv7.first_value': { name: 'v_first', width: dModel } } : {}
  return lowerBlock(block, params, { phase, dModel, batchSize, length, capacity, metaTokens, shared })
}

/** Weights that make every path of a block count, unlike initial values, some of which are zero; exact in f32. */
export function sampleWeights(sample: BlockSample): Map<string, Tensor> {
  return new Map(
    lowerSample(sample, 'train', 1, 1).weights.map(({ name, shape }) => {
      const random = rng('sample weight', sample.block.kind, name)
      const isGain = /norm[a-z_]*\.weight$/.test(name)
      const scale = isGain ? 0.2 : shape.length === 2 ? 1 / Math.sqrt(shape[1]!) : 0.5
      const tensor = normal(random, shape, scale)
      return [name, isGain ? { ...tensor, data: tensor.data.map((x) => Math.fround(1 + x)) } : tensor]
    }),
  )
}

/** Inputs of a sample: x and, where it is read, the first value. */
export function sampleInputs(sample: BlockSample, batchSize: number, length: number): Map<string, Tensor> {
  const names = ['x', ...(sample.valueResidual ? ['v_first'] : [])]
  return new Map(
    names.map((name) => [name, normal(rng('sample input', name, sample.label), [batchSize, length, sample.dModel])]),
  )
}
