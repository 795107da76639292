import { resolveSpec } from '#core/model/spec.ts'
import { parseSpecText, printPattern } from '#core/model/text.ts'
import { costsOf } from '../../canvas/numbers/costs.ts'
import { cellView, NOTHING } from './view.ts'

interface Content {
  readonly stack: string
}

export const stack = cellView<Content>({
  output: async () => NOTHING,
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
