// Small real stacks for the empty states and the first values of the forms.

import { blocks } from '#core/blocks/index.ts'
import { resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'

const WIDTH = 128
const BYTES = 257
const channel = blocks.find((block) => block.category === 'channel mixer')!

/** Contexts, in tokens, over which a growing cache shows. */
export const CONTEXTS = [64, 256, 1024, 4096] as const

/** A sweep of about a minute on two cores. */
export const SWEEP_EXAMPLE = {
  pattern: `{vocabSize: ${BYTES}} d{nHeads: 2} f`,
  depths: [2, 4, 6],
  budgets: [30_000, 60_000],
  steps: 60,
} as const

/** Two blocks of every sequence mixer with the first channel mixer; those whose defaults do not fit the width are left out. */
export function mixerStacks(width = WIDTH): ArchSpec[] {
  return blocks.flatMap((block) => {
    if (block.category !== 'sequence mixer') return []
    const spec: ArchSpec = {
      heddle: SPEC_VERSION,
      name: block.title,
      model: { dModel: width, vocabSize: BYTES },
      blocks: [{ repeat: 2, blocks: [{ kind: block.kind }, { kind: channel.kind }] }],
    }
    try {
      resolveSpec(spec)
      return [spec]
    } catch {
      // its defaults need another width
      return []
    }
  })
}

/** The first few of them: softmax attention and linear mixers side by side. */
export const contextStacks = (): ArchSpec[] => mixerStacks().slice(0, 4)
