// Mamba and Mamba-2 as transformers stores them: mixers only, with the names of our blocks.

import { mamba1 } from '../../blocks/mamba1.ts'
import { mamba2 } from '../../blocks/mamba2.ts'
import type { BlockItem } from '../spec.ts'
import { activationOf } from './attention.ts'
import type { HfConfig } from './config.ts'
import { rangeOf } from './config.ts'
import { blockItem, sameNames } from './plan.ts'
import type { ImportPlan } from './plan.ts'
import { LAYERS, modelSettings, noteBiases } from './settings.ts'
import type { Assumed, ImportedSettings } from './settings.ts'

const MAMBA1_NAMES = [
  'in_proj.weight',
  'x_proj.weight',
  'dt_proj.weight',
  'dt_proj.bias',
  'A_log',
  'D',
  'out_proj.weight',
]
const MAMBA2_NAMES = ['in_proj.weight', 'dt_bias', 'A_log', 'D', 'norm.weight', 'out_proj.weight']
const convNames = (bias: boolean): string[] => (bias ? ['conv1d.weight', 'conv1d.bias'] : ['conv1d.weight'])

const ASSUMED: Assumed = { epsNames: ['layer_norm_epsilon'], eps: 1e-5, tied: false }

/** Names of a Mamba-2 mixer's weights. */
export const mamba2Names = (convBias: boolean): string[] => [...MAMBA2_NAMES, ...convNames(convBias)]

/** `model_type` mamba. */
export function mamba(config: HfConfig): ImportPlan {
  const settings = modelSettings(config, { ...ASSUMED, tied: true })
  const { dModel } = settings
  const derived = Math.ceil(dModel / 16)
  const isDerived = !config.has('time_step_rank') || config.is('time_step_rank', 'auto')
  const dtRank = isDerived ? derived : config.integer('time_step_rank', rangeOf(mamba1, 'dtRank'))
  const convBias = config.flag('use_conv_bias', true)
  const item = blockItem(mamba1, dModel, {
    expand: config.real('expand', rangeOf(mamba1, 'expand'), 2),
    dState: config.integer('state_size', rangeOf(mamba1, 'dState')),
    dConv: config.integer('conv_kernel', rangeOf(mamba1, 'dConv'), 4),
    dtRank: dtRank === derived ? null : dtRank,
    convBias,
  })
  return mixers(config, settings, item, [...MAMBA1_NAMES, ...convNames(convBias)])
}

/** `model_type` mamba2. Its gated norm runs over the whole width, whatever the number of groups. */
export function mamba2Model(config: HfConfig): ImportPlan {
  const settings = modelSettings(config, ASSUMED)
  const { dModel, normEps } = settings
  const expand = config.real('expand', rangeOf(mamba2, 'expand'), 2)
  const headDim = config.integer('head_dim', rangeOf(mamba2, 'headDim'), 64)
  const heads = config.integer('num_heads', { min: 1, max: 1 << 16 })
  if (heads * headDim !== expand * dModel)
    config.fail('num_heads', `times head_dim (${headDim}) must be expand times hidden_size (${expand * dModel})`)
  const nGroups = config.integer('n_groups', rangeOf(mamba2, 'nGroups'), 1)
  const convBias = config.flag('use_conv_bias', true)
  const item = blockItem(mamba2, dModel, {
    expand,
    headDim,
    nGroups,
    dState: config.integer('state_size', rangeOf(mamba2, 'dState')),
    dConv: config.integer('conv_kernel', rangeOf(mamba2, 'dConv'), 4),
    convBias,
    normEps,
    normGroups: nGroups === 1 ? null : 1,
    ...stepLimits(config),
  })
  return mixers(config, settings, item, mamba2Names(convBias))
}

/** Bounds of the step size after softplus; an infinite one is none. */
function stepLimits(config: HfConfig): { dtMin: number; dtMax: number | null } {
  const range = { min: 0, max: Infinity }
  const limits = config.list('time_step_limit', (entries, i) => entries.real(i, range))
  if (limits === undefined) return { dtMin: 0, dtMax: null }
  const [low, high] = limits
  if (limits.length !== 2 || low! > high! || low === Infinity)
    return config.fail('time_step_limit', 'must be a lower and an upper bound')
  return { dtMin: low!, dtMax: high === Infinity ? null : high! }
}

function mixers(config: HfConfig, settings: ImportedSettings, item: BlockItem, names: readonly string[]): ImportPlan {
  activationOf(config, 'hidden_act', ['silu'], 'silu')
  noteBiases(config, ['use_bias'])
  return {
    settings,
    blocks: Array.from({ length: config.integer('num_hidden_layers', LAYERS) }, (_, i) => ({
      item,
      norm: { name: `layers.${i}.norm.weight` },
      weights: sameNames(`layers.${i}.mixer.`, names),
    })),
    prefixes: ['backbone.'],
    embedding: { name: 'embeddings.weight' },
    finalNorm: { name: 'norm_f.weight' },
  }
}
