import { resolveSpec } from '../../model/spec.ts'
import { parseSpecText, printSpecText } from '../../model/text.ts'
import { cellKind } from './cell.ts'

/** An architecture in the text form. Its hash is that of the text form, so that spaces and line breaks change nothing. */
export const stack = cellKind({
  kind: 'stack',
  title: 'Stack',
  doc: 'An architecture in the text form, edited here or as text: {dModel: 128} d f m2 f a f. Other cells take it by its id.',
  params: {},
  language: 'stack',
  runs: 'never',
  example: '{dModel: 128, vocabSize: 257} (d{nHeads: 4} f)x2 a{headDim: 32} f\n',
  read({ body }) {
    const spec = parseSpecText(body)
    resolveSpec(spec)
    return { stack: printSpecText(spec) }
  },
  inputs: () => [],
})
