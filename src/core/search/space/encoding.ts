import type { ArchSpec, StackItem } from '../../model/spec.ts'
import type { Rng } from '../../rng.ts'
import type { FreeGenome, Genome, StrictGenome, Unit } from './genome.ts'
import type { Space } from './space.ts'

/** What a mutation changes: the four of arXiv 2511.18890, three more of the free encoding, and what searchers add. */
export type MutationKind =
  'operator' | 'ratio' | 'channels' | 'repeats' | 'insert' | 'remove' | 'move' | 'width' | 'crossover'

/** What made a child of its parent: stored with the trial, shown in the lineage. */
export interface Mutation {
  readonly kind: MutationKind
  /** In a few words: `middle: m2 becomes d`. */
  readonly description: string
  /** The parts of the parent and of the child that differ, in the text form of specs; repair may add to them. */
  readonly before: string
  readonly after: string
}

/** A genome with one thing changed, before repair; `description` says what in a few words. */
export interface Change<G extends Genome = Genome> {
  readonly genome: G
  readonly description: string
  /** Whether the change is still there after repair, which may cut it off again. Absent: always. */
  readonly isKept?: (repaired: G) => boolean
}

/** Tries to change one thing at a random place; undefined where this genome has nothing of the sort to change. */
export type Mutator<G extends Genome = Genome> = (genome: G, space: Space, rng: Rng) => Change<G> | undefined

/** How many genomes a space has, not counting widths; `stacks` where each is another network, else some are equal. */
export interface SpaceSize {
  readonly count: number
  readonly of: 'stacks' | 'genomes'
}

export interface CountedUnit {
  readonly unit: Unit
  readonly count: number
}

/** One way to write stacks as genomes. All functions are pure; `space` is one of this encoding. */
export interface Encoding<G extends Genome = Genome> {
  readonly kind: Genome['encoding']
  readonly title: string
  readonly doc: string
  /** Size of the space within its limits of depth; 0 where nothing fits. Beyond 2^53 to double precision. */
  size(space: Space): SpaceSize
  /** A random genome within the limits, of the given width. The space must not be empty. */
  sample(space: Space, dModel: number, rng: Rng): G
  readonly mutators: Readonly<Partial<Record<MutationKind, Mutator<G>>>>
  /** A child with parts of both. Before repair. */
  cross(a: G, b: G, rng: Rng): G
  /** Cuts what exceeds the limit of depth, and brings the genome to the one form that equal ones share; undefined where it cannot. */
  repair(genome: G, space: Space): G | undefined
  /** The units of the stack, each with how often it is there, without unrolling. */
  units(genome: G): readonly CountedUnit[]
  /** The blocks of the spec, in labelled groups. */
  items(genome: G): StackItem[]
  /** The genome of a spec. Throws HeddleError `spec-invalid` naming the block that the space or the encoding cannot express. */
  encode(spec: ArchSpec, space: Space, dModel: number): G
  /** Reads the parts of a genome other than `encoding` and `dModel` from JSON. Throws HeddleError `param-invalid`. */
  parse(json: Readonly<Record<string, unknown>>, space: Space, dModel: number, path: string): G
}

/** Keeps the type of the genome while the list of encodings holds both. */
export const defineEncoding = <G extends StrictGenome | FreeGenome>(encoding: Encoding<G>): Encoding =>
  encoding as unknown as Encoding
