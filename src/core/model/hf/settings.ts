// What every family's config says about the whole model.

import { MODEL_PARAMS } from '../spec.ts'
import type { ModelSettings } from '../spec.ts'
import type { HfConfig } from './config.ts'

export interface ImportedSettings extends Partial<ModelSettings> {
  readonly dModel: number
  readonly normEps: number
}

/** What a family's config class assumes where the config says nothing. */
export interface Assumed {
  /** Names that the epsilon of the norms may have. */
  readonly epsNames: readonly [string, ...string[]]
  readonly eps: number
  readonly tied: boolean
}

/** Width, vocabulary, tying and norm. */
export function modelSettings(config: HfConfig, { epsNames, eps, tied }: Assumed): ImportedSettings {
  const epsName = epsNames.find((name) => config.has(name)) ?? epsNames[0]
  return {
    dModel: config.integer('hidden_size', MODEL_PARAMS.dModel),
    vocabSize: config.integer('vocab_size', MODEL_PARAMS.vocabSize),
    tieEmbeddings: config.flag('tie_word_embeddings', tied),
    normEps: config.real(epsName, MODEL_PARAMS.normEps, eps),
  }
}

/** Of Llama and its relatives. */
export const LLAMA_ASSUMED: Assumed = { epsNames: ['rms_norm_eps'], eps: 1e-6, tied: false }

/** Notes which of these switches give projections biases: no block has them. */
export function noteBiases(config: HfConfig, names: readonly string[]): void {
  for (const name of names) if (config.has(name) && config.flag(name)) config.note(`${name}: ${WITHOUT_BIASES}`)
}

export const WITHOUT_BIASES = 'biases are left out, which no block has; a checkpoint can be read only if they are zero'

/** Layers of the checkpoint; a layer may become two blocks. */
export const LAYERS = { min: 1, max: 1024 } as const
