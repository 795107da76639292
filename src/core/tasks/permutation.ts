// State tracking by composing permutations: the word problem of a permutation group (arXiv 2404.08819). A token is an
// element of the group; elements are numbered in the lexicographic order of their images.

import { choice } from '../params.ts'
import { fillUniform } from './sampling.ts'
import { defineTask } from './task.ts'

const GROUPS = {
  S3: { degree: 3, evenOnly: false },
  A4: { degree: 4, evenOnly: true },
  S4: { degree: 4, evenOnly: false },
  A5: { degree: 5, evenOnly: true },
  S5: { degree: 5, evenOnly: false },
} as const

type GroupName = keyof typeof GROUPS

interface Group {
  readonly order: number
  /** `product[a * order + b]`: first a, then b. */
  readonly product: Int32Array
}

export const permutation = defineTask({
  kind: 'permutation',
  title: 'Permutation composition',
  doc:
    'Random elements of a permutation group; after each the model must predict the composition of all so far, s_t = s_(t-1) followed by x_t. ' +
    'S3, A4 and S4 are solvable groups; A5 and S5 are not, and their word problem is NC1-complete: unless TC0 = NC1, no fixed number of attention layers or of linear recurrences with diagonal transitions solves it at every length. arXiv 2404.08819.',
  params: {
    group: choice({
      doc: 'All (S) or the even (A) permutations of so many things: 6, 12, 24, 60 or 120 elements.',
      default: 'S3',
      choices: ['S3', 'A4', 'S4', 'A5', 'S5'],
    }),
  },
  scoreName: 'accuracy on the composed permutation',
  defaultSeqLen: 16,
  vocabSize: ({ group }) => groupOf(group).order,
  shortest: () => ({ seqLen: 2, rule: 'two permutations' }),
  chance: ({ group }) => 1 / groupOf(group).order,
  writer: ({ group }) => {
    const { order, product } = groupOf(group)
    return (rng, tokens, targets) => {
      fillUniform(rng, tokens, 0, order)
      // the identity comes first in lexicographic order
      let state = 0
      for (let t = 0; t < tokens.length; t++) targets[t] = state = product[state * order + tokens[t]!]!
    }
  },
})

const built = new Map<GroupName, Group>()

function groupOf(name: GroupName): Group {
  const known = built.get(name)
  if (known !== undefined) return known
  const { degree, evenOnly } = GROUPS[name]
  const elements = arrangements(Array.from({ length: degree }, (_, i) => i)).filter((p) => !evenOnly || isEven(p))
  const idOf = new Map(elements.map((images, id) => [images.join(), id]))
  const order = elements.length
  const product = new Int32Array(order * order)
  elements.forEach((a, i) => {
    elements.forEach((b, j) => {
      product[i * order + j] = idOf.get(a.map((image) => b[image]).join())!
    })
  })
  const group = { order, product }
  built.set(name, group)
  return group
}

/** All orders of ascending numbers, in lexicographic order. */
function arrangements(numbers: readonly number[]): readonly (readonly number[])[] {
  if (numbers.length === 0) return [[]]
  return numbers.flatMap((first) => arrangements(numbers.filter((n) => n !== first)).map((rest) => [first, ...rest]))
}

/** Whether a permutation has an even number of inversions. */
function isEven(images: readonly number[]): boolean {
  let inversions = 0
  images.forEach((image, i) => {
    for (const later of images.slice(i + 1)) if (later < image) inversions++
  })
  return inversions % 2 === 0
}
