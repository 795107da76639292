// Children of genomes: one thing changed, or parts of two. Every child is a valid stack other than its parents'.

import { printPattern } from '../../model/text.ts'
import type { Rng } from '../../rng.ts'
import type { Mutation, MutationKind, Mutator } from './encoding.ts'
import type { Genome } from './genome.ts'
import { fitWidth, keyOf } from './space.ts'
import type { Space } from './space.ts'

/** A new genome and what became of its parent. */
export interface Child {
  readonly genome: Genome
  readonly mutation: Mutation
}

const ATTEMPTS = 64

/** Another width, where widths are searched. */
const mutateWidth: Mutator = (genome, { config: { dModels } }, rng) => {
  const others = dModels.filter((dModel) => dModel !== genome.dModel)
  if (others.length === 0) return undefined
  const dModel = rng.pick(others)
  return { genome: { ...genome, dModel }, description: `dModel ${genome.dModel} becomes ${dModel}` }
}

/**
 * A child with one thing changed, each kind of change as likely as the others that apply; then repaired to the limit of
 * depth and fitted to the target of the width. Undefined where no attempt leads to another valid stack: a tiny space.
 */
export function mutate(parent: Genome, space: Space, rng: Rng): Child | undefined {
  const { mutators } = space.encoding
  const kinds = Object.keys(mutators) as MutationKind[]
  if (space.config.widthTargetMs === undefined && space.config.dModels.length > 1) kinds.push('width')
  const parentKey = keyOf(parent, space)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const kind = rng.pick(kinds)
    const change = (mutators[kind] ?? mutateWidth)(parent, space, rng)
    const genome = change && settle(change.genome, space)
    if (change === undefined || genome === undefined || change.isKept?.(genome) === false) continue
    if (keyOf(genome, space) === parentKey) continue
    const { before, after } = difference(parent, genome, space)
    return { genome, mutation: { kind, description: change.description, before, after } }
  }
  return undefined
}

/** A child with parts and the width of two parents, other than both; undefined where no attempt leads to one. */
export function cross(a: Genome, b: Genome, space: Space, rng: Rng): Child | undefined {
  const parentKeys = [keyOf(a, space), keyOf(b, space)]
  if (parentKeys[0] === parentKeys[1]) return undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const mixed = space.encoding.cross(a, b, rng)
    const genome = settle({ ...mixed, dModel: rng.pick([a, b]).dModel }, space)
    if (genome === undefined || parentKeys.includes(keyOf(genome, space))) continue
    const { before, after } = difference(a, genome, space)
    return { genome, mutation: { kind: 'crossover', description: 'parts of both parents', before, after } }
  }
  return undefined
}

function settle(genome: Genome, space: Space): Genome | undefined {
  const repaired = space.encoding.repair(genome, space)
  return repaired && fitWidth(repaired, space)
}

/** What differs between two genomes, in the text form of specs: their groups without those that both start or end with. */
export function difference(a: Genome, b: Genome, space: Space): { readonly before: string; readonly after: string } {
  const before = groupTexts(a, space)
  const after = groupTexts(b, space)
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start]!.content === after[start]!.content) start++
  let end = 0
  while (end < shorter - start && before.at(-1 - end)!.content === after.at(-1 - end)!.content) end++
  const text = (genome: Genome, groups: typeof before): string => {
    const width = a.dModel === b.dModel ? [] : [`{dModel: ${genome.dModel}}`]
    return [...width, ...groups.slice(start, groups.length - end).map(({ labelled }) => labelled)].join(' ')
  }
  return { before: text(a, before), after: text(b, after) }
}

/** Groups as text, with their labels to show and without to compare: labels count, so they shift behind an insertion. */
function groupTexts(genome: Genome, space: Space): { readonly content: string; readonly labelled: string }[] {
  return space.encoding.items(genome).map((item) => {
    const labelled = printPattern([item])
    return { content: labelled.slice(labelled.indexOf('(')), labelled }
  })
}
