import { toBase64 } from '#core/base64.ts'
import { figureToPdf } from './pdf.ts'
import { readFigure } from './reader.ts'
import { call } from '../workbench/door.ts'
import { listOf, optional, text } from '../workbench/readers.ts'

/** Files of figures that a screen cannot make itself. They need no project. */
export const figures = {
  /** A vector PDF of the figure's size with its fonts embedded, as base64. */
  pdf: call(
    {
      figure: readFigure,
      name: text(200),
      address: text(2000),
      project: optional(text(200)),
      selection: optional(listOf(text(200), 1000)),
      spec: optional(text(20_000)),
    },
    async (_, { figure, name, address, project, selection, spec }) =>
      toBase64(
        await figureToPdf(figure, {
          name,
          address,
          ...(project !== undefined && { project }),
          ...(selection !== undefined && { selection }),
          ...(spec !== undefined && { spec }),
        }),
      ),
  ),
}
