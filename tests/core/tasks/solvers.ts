// One solver per task, written from the task's description alone: it reads a sequence up to the position asked about
// and answers, or guesses 0 where nothing is asked. A correct task is one that its solver scores 100 % on.

import type { ParamValues } from '#core/params.ts'
import type { Batch } from '#core/tasks/index.ts'

/** The answer after reading `prefix`, the tokens up to and including the position asked about. */
export type Solver = (prefix: readonly number[], params: ParamValues) => number

/** The most likely token at each position according to the solver. [B, T] */
export function solve(solver: Solver, batch: Batch, params: ParamValues): Int32Array {
  const { batchSize, seqLen, tokens, targets } = batch
  const answers = new Int32Array(batchSize * seqLen)
  for (let row = 0; row < batchSize; row++) {
    const sequence = Array.from(tokens.subarray(row * seqLen, (row + 1) * seqLen))
    for (let t = 0; t < seqLen; t++) {
      if (targets[row * seqLen + t]! < 0) continue
      answers[row * seqLen + t] = solver(sequence.slice(0, t + 1), params)
    }
  }
  return answers
}

const isKey = (token: number, vocabSize: number): boolean => token >= 1 && token <= Math.floor((vocabSize - 1) / 2)
const isValue = (token: number, vocabSize: number): boolean => token > Math.floor((vocabSize - 1) / 2)

export const solvers: Readonly<Record<string, Solver>> = {
  mqar: (prefix, params) => {
    const pairs = prefix.slice(0, 2 * Number(params['numKvPairs']))
    return pairs.find((_, t) => t % 2 === 1 && pairs[t - 1] === prefix.at(-1)) ?? 0
  },

  needle: (prefix) => prefix[prefix.indexOf(prefix.at(-1)!) + 1]!,

  induction: (prefix, params) => prefix[prefix.indexOf(Number(params['vocabSize']) - 1) + 1]!,

  'selective-copying': (prefix, params) => {
    const copy = Number(params['vocabSize']) - 1
    const data = prefix.slice(0, prefix.indexOf(copy)).filter((token) => token < copy - 1)
    return data[prefix.length - prefix.indexOf(copy) - 2] ?? 0
  },

  'fuzzy-recall': (prefix, params) => {
    const vocabSize = Number(params['vocabSize'])
    // the stream as alternating runs of key tokens and value tokens
    const runs: number[][] = []
    prefix.forEach((token, t) => {
      if (token === 0) return
      const starts = t === 0 || isKey(token, vocabSize) !== isKey(prefix[t - 1]!, vocabSize) || prefix[t - 1] === 0
      if (starts) runs.push([])
      runs.at(-1)!.push(token)
    })
    const inValue = isValue(prefix.at(-1)!, vocabSize)
    const said = inValue ? runs.at(-1)!.length : 0
    const asked = runs.length - (inValue ? 2 : 1)
    const first = runs.findIndex((run, i) => i % 2 === 0 && run.join() === runs[asked]!.join())
    return first < asked ? (runs[first + 1]![said] ?? 0) : 0
  },

  parity: (prefix) => prefix.filter((bit) => bit === 1).length % 2,

  'modular-counter': (prefix, params) => prefix.reduce((sum, token) => sum + token, 0) % Number(params['modulus']),

  permutation: (prefix, params) => {
    const elements = groupElements(String(params['group']))
    // follow every thing through all permutations in turn
    const images = elements[0]!.map((thing) => prefix.reduce((at, id) => elements[id]![at]!, thing))
    return elements.findIndex((element) => element.every((image, i) => image === images[i]))
  },
}

const known = new Map<string, readonly (readonly number[])[]>()

/** Elements of S or A of a degree as lists of images, ascending as numbers in base 10. */
export function groupElements(group: string): readonly (readonly number[])[] {
  const elements = known.get(group) ?? listElements(group)
  known.set(group, elements)
  return elements
}

function listElements(group: string): readonly (readonly number[])[] {
  const degree = Number(group.slice(1))
  const elements: number[][] = []
  for (let code = 0; code < 10 ** degree; code++) {
    const images = Array.from(String(code).padStart(degree, '0'), Number)
    if (new Set(images).size !== degree || Math.max(...images) >= degree) continue
    if (group.startsWith('S') || (degree - countCycles(images)) % 2 === 0) elements.push(images)
  }
  return elements
}

function countCycles(images: readonly number[]): number {
  const seen = new Set<number>()
  let cycles = 0
  for (let start = 0; start < images.length; start++) {
    if (seen.has(start)) continue
    cycles++
    for (let at = start; !seen.has(at); at = images[at]!) seen.add(at)
  }
  return cycles
}
