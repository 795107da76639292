// Small real stacks for the empty states: one for each kind of mixer, all as wide and as deep.

import { blocks } from '#core/blocks/index.ts'
import { resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'

const MODEL = { dModel: 128, vocabSize: 257 }
const channel = blocks.find((block) => block.category === 'channel mixer')!

/** Two blocks of every sequence mixer with the first channel mixer; those whose defaults do not fit this width are left out. */
export const mixerStacks: readonly ArchSpec[] = blocks.flatMap((block) => {
  if (block.category !== 'sequence mixer') return []
  const spec: ArchSpec = {
    heddle: SPEC_VERSION,
    name: block.title,
    model: MODEL,
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
