// What a new project may start with: a few stacks on the canvas, small enough to train in a minute on two cores.

import { parseSpecText, printSpecText } from '#core/model/text.ts'
import { saveDocument } from '#main/store/authored/documents.ts'
import type { Project } from '#main/store/db.ts'

export interface Template {
  readonly id: string
  readonly title: string
  readonly doc: string
  /** Stacks in the text form, by the name of their design. */
  readonly designs: Readonly<Record<string, string>>
}

const MODEL = '{dModel: 128, vocabSize: 257}'

export const templates: readonly Template[] = [
  {
    id: 'hybrid',
    title: 'Hybrid against pure',
    doc: 'A DeltaNet, Mamba-2 and attention hybrid beside a pure attention stack of the same depth: train both, time both.',
    designs: {
      'Hybrid d m2 a': `${MODEL} (d{nHeads: 4} f m2{headDim: 32, dState: 32} f a{headDim: 32} f)x2`,
      'Pure attention': `${MODEL} (a{headDim: 32} f)x6`,
    },
  },
  {
    id: 'crossover',
    title: 'Softmax against linear',
    doc: 'One stack of each kind of mixer, to see from which context on a constant state is faster than a growing cache.',
    designs: {
      Attention: `${MODEL} (a{headDim: 32} f)x2`,
      'Mamba-2': `${MODEL} (m2{headDim: 32, dState: 32} f)x2`,
      DeltaNet: `${MODEL} (d{nHeads: 4} f)x2`,
      'Gated linear attention': `${MODEL} (gla{nHeads: 4} f)x2`,
    },
  },
  { id: 'empty', title: 'Empty', doc: 'Nothing but the file.', designs: {} },
]

/** Writes the designs of a template into a project. */
export function applyTemplate(project: Project, template: Template): void {
  for (const [name, text] of Object.entries(template.designs)) {
    const spec = { ...parseSpecText(text), name }
    saveDocument(project, {
      kind: 'design',
      name,
      body: JSON.parse(JSON.stringify({ spec, text: printSpecText(spec) })) as Record<string, unknown>,
    })
  }
}
