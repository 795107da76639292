import { searchOutput } from './search.ts'
import { cellView, numbersOf } from './view.ts'

interface Content {
  readonly of: readonly string[]
  readonly x: string
  readonly y: string
}

export const front = cellView<Content>({
  output: ({ of, x, y }, _, context) =>
    searchOutput(
      of.flatMap((id) =>
        numbersOf(context.input(id).result, 'study').map((study) => ({ study, name: of.length > 1 ? id : '' })),
      ),
      x,
      y,
    ),
})
