import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText, printPattern } from '#core/model/text.ts'
import { stripScene } from '#core/plots/strip.ts'
import { costsOf } from '../../canvas/numbers/costs.ts'
import { cellView, NOTHING } from './view.ts'
import type { Figure } from './view.ts'

interface Content {
  readonly stack: string
}

/** Pixels of a block, and of the longest strip. */
const CELL = 28
const WIDEST = 760

export const stack = cellView<Content>({
  // the cell itself draws its strip; this one is for files
  async output({ stack: text }) {
    const resolved = resolveSpec(parseSpecText(text))
    const width = Math.min(WIDEST, CELL * resolved.blocks.length)
    if (width === 0) return NOTHING
    const scene: Figure['scene'] = (_, height, theme) => stripScene(resolved, { width, height, theme })
    return { ...NOTHING, figures: [{ name: printPattern(resolved.spec.blocks), height: 24, scene }] }
  },
  async rows({ stack: text }, _, { id }) {
    const spec = parseSpecText(text)
    const resolved = resolveSpec(spec)
    const { params } = costsOf(resolved, 256).total
    return {
      id,
      pattern: printPattern(spec.blocks),
      width: resolved.settings.dModel,
      blocks: resolved.blocks.map(({ block }) => block.kind),
      params,
    }
  },
  type: '{ readonly id: string; readonly pattern: string; readonly width: number; readonly blocks: readonly string[]; readonly params: number }',
})
