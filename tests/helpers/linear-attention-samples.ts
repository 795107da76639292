// Samples of linear attention for its hand-written kernels: every rule, groups, lengths that no chunk divides, strong decays.

import type { NativeSample } from './native-samples.ts'

interface Size {
  readonly rule: 'linear' | 'gated' | 'delta' | 'gated_delta'
  /** [batch, length, heads, key heads, key width, value width] */
  readonly size: readonly [number, number, number, number, number, number]
  /** Largest decay of a token, as a logarithm below 0. */
  readonly decay?: number
  /** A decay for each key. */
  readonly isKeyed?: boolean
  /** The decays are the same in every sequence and have no gradient, as RetNet's. */
  readonly isShared?: boolean
}

const SIZES: readonly Size[] = [
  { rule: 'delta', size: [1, 7, 2, 2, 64, 32] },
  { rule: 'delta', size: [1, 97, 2, 2, 64, 64] },
  { rule: 'gated', size: [2, 97, 4, 2, 64, 32], decay: 1 },
  { rule: 'gated', size: [1, 130, 2, 1, 128, 64], decay: 60 },
  { rule: 'gated', size: [2, 70, 2, 2, 64, 96], decay: 0.1, isShared: true },
  { rule: 'linear', size: [1, 65, 2, 2, 64, 64] },
  { rule: 'gated_delta', size: [1, 130, 2, 1, 64, 64], decay: 1 },
  { rule: 'gated_delta', size: [2, 64, 2, 2, 64, 32], decay: 60 },
  { rule: 'gated_delta', size: [1, 66, 2, 1, 256, 32], decay: 1 },
  { rule: 'gated', size: [1, 66, 2, 1, 256, 64], decay: 1 },
  { rule: 'gated', size: [2, 70, 2, 2, 64, 64], decay: 1, isKeyed: true },
  { rule: 'gated', size: [1, 130, 2, 2, 128, 128], decay: 60, isKeyed: true },
  { rule: 'gated', size: [1, 130, 2, 2, 64, 64], decay: 0.02, isKeyed: true },
  { rule: 'gated', size: [2, 513, 4, 4, 64, 128], decay: 0.2, isKeyed: true },
  { rule: 'delta', size: [4, 512, 4, 4, 128, 128] },
  { rule: 'delta', size: [1, 513, 4, 4, 64, 128] },
  { rule: 'gated', size: [4, 513, 16, 1, 128, 64], decay: 0.2 },
  { rule: 'gated', size: [1, 2048, 16, 1, 128, 64], decay: 0.2 },
  { rule: 'gated', size: [2, 512, 4, 4, 64, 128], decay: 0.05, isShared: true },
  { rule: 'gated_delta', size: [2, 513, 4, 2, 128, 256], decay: 0.2 },
  { rule: 'gated_delta', size: [2, 513, 2, 2, 256, 512], decay: 0.2 },
]

const isGated = (rule: Size['rule']): boolean => rule.startsWith('gated')
const isDelta = (rule: Size['rule']): boolean => rule.endsWith('delta')

const sample = ({ rule, size, decay = 0, isShared = false, isKeyed = false }: Size): NativeSample => {
  const [batch, length, heads, groups, keyWidth, valueWidth] = size
  const unit = 1 / Math.sqrt(keyWidth)
  const gates = [isGated(rule) ? ['decay'] : [], isDelta(rule) ? ['beta'] : []].flat()
  return {
    name: `linear_attention ${rule} ${batch}x${length}x${heads}/${groups}x${keyWidth}x${valueWidth}${decay > 0 ? `, decay ${decay}` : ''}${isShared ? ' for all' : ''}${isKeyed ? ' per key' : ''}`,
    op: 'linear_attention',
    inputs: {
      q: [batch, length, groups, keyWidth],
      k: [batch, length, groups, keyWidth],
      v: [batch, length, heads, valueWidth],
      ...(isGated(rule) && { decay: [isShared ? 1 : batch, length, heads, ...(isKeyed ? [keyWidth] : [])] }),
      ...(isDelta(rule) && { beta: [batch, length, heads] }),
    },
    apply: (g, [q, k, v, ...rest]) =>
      g.apply('linear_attention', [q!, k!, v!, g.zeros([batch, heads, keyWidth, valueWidth]), ...rest], {
        rule,
        scale: isDelta(rule) ? unit : 1,
        chunk: 64,
      })[0]!,
    draw: {
      q: (x) => x * unit,
      k: (x) => x * unit,
      // mostly small, some large
      decay: (x) => -decay * Math.min(1, (x * x) / 8),
      beta: (x) => 1 / (1 + Math.exp(-x)),
    },
    ...(isShared && { wrt: ['q', 'k', 'v', ...gates.filter((name) => name !== 'decay')] }),
    tolerance: 1e-2,
  }
}

export const linearAttentionSamples: readonly NativeSample[] = SIZES.map(sample)
