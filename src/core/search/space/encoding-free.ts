// Any stack of units: segments of units, each repeated. It expresses both optima that arXiv 2511.18890 publishes, which
// its own template does not.

import { isGroup } from '../../model/spec.ts'
import type { ArchSpec, StackItem } from '../../model/spec.ts'
import type { Rng } from '../../rng.ts'
import { defineEncoding } from './encoding.ts'
import type { Change, Mutator } from './encoding.ts'
import { groupOf, isSameOperator, operatorText, unitKey } from './genome.ts'
import type { FreeGenome, Segment, Unit } from './genome.ts'
import { integerFrom, listFrom, objectFrom } from './json.ts'
import { pickOperator, variantCount } from './operators.ts'
import type { Space } from './space.ts'
import { checkDepth, flatBlocks, pickChannels, pickMixer, recount, startsUnit, unitFrom, unitsOf } from './units.ts'

/** Most units and repeats of a segment that is drawn at random; mutation may go beyond. */
const SAMPLED = 4

const lengthOf = (units: readonly Unit[]): number => units.reduce((sum, { channels }) => sum + 1 + channels.length, 0)
const depthOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { units, repeat }) => sum + lengthOf(units) * repeat, 0)
const isSameUnits = (a: readonly Unit[], b: readonly Unit[]): boolean =>
  a.length === b.length && a.every((unit, i) => unitKey(unit) === unitKey(b[i]!))

/** Without empty segments, and neighbours of the same units joined. */
function joined(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = []
  for (const segment of segments) {
    if (segment.units.length === 0 || segment.repeat === 0) continue
    const last = result.at(-1)
    if (last !== undefined && isSameUnits(last.units, segment.units))
      result[result.length - 1] = { units: last.units, repeat: last.repeat + segment.repeat }
    else result.push(segment)
  }
  return result
}

/** Cuts the last segment: its repeats, then its units. */
function repair(genome: FreeGenome, { config: { minBlocks, maxBlocks } }: Space): FreeGenome | undefined {
  const segments = [...genome.segments]
  for (let over = depthOf(segments) - maxBlocks; over > 0; over = depthOf(segments) - maxBlocks) {
    const { units, repeat } = segments.pop()!
    if (repeat > 1) segments.push({ units, repeat: Math.max(1, repeat - Math.ceil(over / lengthOf(units))) })
    else if (units.length > 1) segments.push({ units: units.slice(0, -1), repeat })
  }
  return segments.length === 0 || depthOf(segments) < minBlocks ? undefined : { ...genome, segments: joined(segments) }
}

/** A unit of a segment, both by index. */
interface Place {
  readonly segment: number
  readonly unit: number
}

const nameOf = (segment: number): string => `segment ${segment + 1}`

function pickPlace(genome: FreeGenome, rng: Rng): Place {
  const segment = rng.integer(genome.segments.length)
  return { segment, unit: rng.integer(genome.segments[segment]!.units.length) }
}

/** Units of the unrolled stack. */
const unitCount = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { units, repeat }) => sum + units.length * repeat, 0)

/**
 * Replaces the unit at a place by others: in all repeats of its segment, or (as often) in one of them. The change is
 * lost if repair cuts before the end of its first copy.
 */
function replace(
  genome: FreeGenome,
  { segment: at, unit }: Place,
  by: readonly Unit[],
  rng: Rng,
  text: string,
): Change<FreeGenome> {
  const { units, repeat } = genome.segments[at]!
  const changed = { units: units.toSpliced(unit, 1, ...by), repeat: 1 }
  const isWhole = repeat === 1 || rng.integer(2) === 0
  const copy = isWhole ? 0 : rng.integer(repeat)
  const parts = isWhole
    ? [{ ...changed, repeat }]
    : [{ units, repeat: copy }, changed, { units, repeat: repeat - copy - 1 }].filter((part) => part.repeat > 0)
  const end = unitCount(genome.segments.slice(0, at)) + copy * units.length + unit + by.length
  return {
    genome: { ...genome, segments: genome.segments.toSpliced(at, 1, ...parts) },
    description: `${nameOf(at)}${isWhole ? '' : `, copy ${copy + 1} of ${repeat}`}: ${text}`,
    isKept: ({ segments }) => unitCount(segments) >= end,
  }
}

const unitText = ({ mixer, channels }: Unit): string => [mixer, ...channels].map(operatorText).join(' ')

function randomUnit(space: Space, rng: Rng): Unit {
  return { mixer: pickMixer(space, rng)!, channels: pickChannels(space, rng.pick(space.config.channelCounts), rng) }
}

const mutateOperator: Mutator<FreeGenome> = (genome, space, rng) => {
  const place = pickPlace(genome, rng)
  const { mixer, channels } = genome.segments[place.segment]!.units[place.unit]!
  const index = rng.integer(1 + (variantCount(space.channelMixers) > 1 ? channels.length : 0))
  const old = [mixer, ...channels][index]!
  const picked = pickOperator(index === 0 ? space.mixers : space.channelMixers, rng, [old])
  if (picked === undefined) return undefined
  const unit = index === 0 ? { mixer: picked, channels } : { mixer, channels: channels.with(index - 1, picked) }
  return replace(genome, place, [unit], rng, `${operatorText(old)} becomes ${operatorText(picked)}`)
}

/** One unit more of a mixer, beside one that is there; or one less of a mixer that has several. */
const mutateRatio: Mutator<FreeGenome> = (genome, _space, rng) => {
  const place = pickPlace(genome, rng)
  const { units } = genome.segments[place.segment]!
  const unit = units[place.unit]!
  const count = units.filter(({ mixer }) => isSameOperator(mixer, unit.mixer)).length
  const isMore = count === 1 || rng.integer(2) === 0
  const text = `units of ${operatorText(unit.mixer)}: ${count} becomes ${count + (isMore ? 1 : -1)}`
  return replace(genome, place, isMore ? [unit, unit] : [], rng, text)
}

const mutateChannels: Mutator<FreeGenome> = (genome, space, rng) => {
  const place = pickPlace(genome, rng)
  const { mixer, channels } = genome.segments[place.segment]!.units[place.unit]!
  const next = recount(channels, space, rng)
  if (next === undefined) return undefined
  const text = `channel mixers after ${operatorText(mixer)}: ${channels.length} becomes ${next.length}`
  return replace(genome, place, [{ mixer, channels: next }], rng, text)
}

/** One repeat more, one less, or one handed to another segment. */
const mutateRepeats: Mutator<FreeGenome> = (genome, _space, rng) => {
  const { segments } = genome
  const index = rng.integer(segments.length)
  const delta = rng.pick([1, -1])
  const taker = rng.pick([undefined, ...segments.keys()].filter((i) => i !== index))
  const changes = new Map([[index, delta], ...(taker === undefined ? [] : [[taker, -delta] as const])])
  const next = segments.map((segment, i) => ({ ...segment, repeat: segment.repeat + (changes.get(i) ?? 0) }))
  if (next.some(({ repeat }) => repeat < 1)) return undefined
  const description = [...changes.keys()]
    .map((i) => `${nameOf(i)}: x${segments[i]!.repeat} becomes x${next[i]!.repeat}`)
    .join(', ')
  return { genome: { ...genome, segments: next }, description }
}

const mutateInsert: Mutator<FreeGenome> = (genome, space, rng) => {
  const place = pickPlace(genome, rng)
  const beside = genome.segments[place.segment]!.units[place.unit]!
  const unit = randomUnit(space, rng)
  const both = rng.integer(2) === 0 ? [beside, unit] : [unit, beside]
  return replace(genome, place, both, rng, `${unitText(unit)} is inserted`)
}

const mutateRemove: Mutator<FreeGenome> = (genome, _space, rng) => {
  const place = pickPlace(genome, rng)
  const unit = genome.segments[place.segment]!.units[place.unit]!
  return replace(genome, place, [], rng, `${unitText(unit)} is removed`)
}

/** A unit leaves its segment for another place, of the same or another segment. */
const mutateMove: Mutator<FreeGenome> = (genome, _space, rng) => {
  const from = pickPlace(genome, rng)
  const unit = genome.segments[from.segment]!.units[from.unit]!
  const without = genome.segments.map((segment, i) =>
    i === from.segment ? { ...segment, units: segment.units.toSpliced(from.unit, 1) } : segment,
  )
  const to = rng.integer(without.length)
  const { units, repeat } = without[to]!
  const place = rng.integer(units.length + 1)
  const end = unitCount(without.slice(0, to)) + place + 1
  const target = to === from.segment ? 'another place in it' : nameOf(to)
  return {
    genome: { ...genome, segments: without.with(to, { units: units.toSpliced(place, 0, unit), repeat }) },
    description: `${unitText(unit)} moves from ${nameOf(from.segment)} to ${target}`,
    isKept: ({ segments }) => unitCount(segments) >= end,
  }
}

/** `reachable[t]`: whether units fill t blocks exactly. */
function reachable({ config: { channelCounts, maxBlocks } }: Space): boolean[] {
  const table = [true]
  for (let t = 1; t <= maxBlocks; t++) table.push(channelCounts.some((count) => table[t - 1 - count] === true))
  return table
}

/** Units for at most `room` blocks, such that units can fill the rest of them. */
function sampleUnits(space: Space, room: number, canFill: readonly boolean[], rng: Rng): Unit[] {
  const units: Unit[] = []
  let rest = room
  for (let n = 1 + rng.integer(SAMPLED); n > 0 && rest > 0; n--) {
    const count = rng.pick(space.config.channelCounts.filter((channels) => canFill[rest - 1 - channels] === true))
    units.push({ mixer: pickMixer(space, rng)!, channels: pickChannels(space, count, rng) })
    rest -= 1 + count
  }
  return units
}

/** A spec's groups, and what stands between them, as segments; undefined where one would start with a channel mixer. */
function segmentsOf(spec: ArchSpec, space: Space, dModel: number): Segment[] | undefined {
  const pieces: { readonly items: StackItem[]; readonly repeat: number }[] = []
  let loose: StackItem[] | undefined
  for (const item of spec.blocks) {
    if (isGroup(item)) {
      pieces.push({ items: [...item.blocks], repeat: item.repeat })
      loose = undefined
    } else if (loose === undefined) pieces.push({ items: (loose = [item]), repeat: 1 })
    else loose.push(item)
  }
  const filled = pieces
    .map(({ items, repeat }) => ({ blocks: flatBlocks(items, 'blocks'), repeat }))
    .filter(({ blocks }) => blocks.length > 0)
  if (!filled.every(({ blocks }) => startsUnit(blocks))) return undefined
  return filled.map(({ blocks, repeat }) => ({ units: unitsOf(blocks, space, dModel), repeat }))
}

export const freeEncoding = defineEncoding<FreeGenome>({
  kind: 'free',
  title: 'Any stack',
  doc: 'Any order of units, each a sequence mixer with the channel mixers after it, in segments that repeat. Mutations change all repeats of a segment or one of them, and insert, remove and move units beside the four changes of arXiv 2511.18890.',
  size: (space) => {
    const { channelCounts, minBlocks, maxBlocks } = space.config
    const mixers = variantCount(space.mixers)
    const channels = variantCount(space.channelMixers)
    const stacks = [1]
    for (let t = 1; t <= maxBlocks; t++)
      stacks.push(
        channelCounts.reduce((sum, count) => sum + mixers * channels ** count * (stacks[t - 1 - count] ?? 0), 0),
      )
    return { count: stacks.slice(minBlocks).reduce((sum, count) => sum + count, 0), of: 'stacks' }
  },
  sample: (space, dModel, rng) => {
    const canFill = reachable(space)
    const depths = [...canFill.keys()].filter((t) => t >= space.config.minBlocks && canFill[t])
    const segments: Segment[] = []
    for (let rest = rng.pick(depths); rest > 0;) {
      const units = sampleUnits(space, rest, canFill, rng)
      const length = lengthOf(units)
      const repeat = rng.pick(
        Array.from({ length: SAMPLED }, (_, i) => i + 1).filter((r) => canFill[rest - length * r] === true),
      )
      segments.push({ units, repeat })
      rest -= length * repeat
    }
    return { encoding: 'free', dModel, segments: joined(segments) }
  },
  mutators: {
    operator: mutateOperator,
    ratio: mutateRatio,
    channels: mutateChannels,
    repeats: mutateRepeats,
    insert: mutateInsert,
    remove: mutateRemove,
    move: mutateMove,
  },
  cross: (a, b, rng) => {
    // the front of one, the back of the other
    const front = a.segments.slice(0, 1 + rng.integer(a.segments.length))
    return { ...a, segments: [...front, ...b.segments.slice(rng.integer(b.segments.length))] }
  },
  repair,
  units: ({ segments }) => segments.flatMap(({ units, repeat }) => units.map((unit) => ({ unit, count: repeat }))),
  items: ({ segments }) => segments.flatMap(({ units, repeat }, i) => groupOf(`segment${i + 1}`, units, repeat)),
  encode: (spec, space, dModel) => {
    const blocks = flatBlocks(spec.blocks, 'blocks')
    checkDepth(blocks.length, space)
    const units = unitsOf(blocks, space, dModel)
    const segments = segmentsOf(spec, space, dModel) ?? [{ units, repeat: 1 }]
    return { encoding: 'free', dModel, segments: joined(segments) }
  },
  parse: (json, space, dModel, path) => {
    objectFrom(json, ['encoding', 'dModel', 'segments'], path)
    const { maxBlocks } = space.config
    const segments = listFrom(json['segments'], 1, maxBlocks, `${path}.segments`).map((item, i) => {
      const at = `${path}.segments[${i}]`
      const { units, repeat } = objectFrom(item, ['units', 'repeat'], at)
      return {
        units: listFrom(units, 1, maxBlocks, `${at}.units`).map((unit, j) =>
          unitFrom(unit, space, `${at}.units[${j}]`),
        ),
        repeat: integerFrom(repeat, 1, maxBlocks, `${at}.repeat`),
      }
    })
    return { encoding: 'free', dModel, segments: joined(segments) }
  },
})
