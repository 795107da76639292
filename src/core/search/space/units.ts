// Between the blocks of a spec and the units of a genome.

import { blockOf } from '../../blocks/index.ts'
import { HeddleError } from '../../errors.ts'
import { isGroup } from '../../model/spec.ts'
import type { BlockItem, StackItem } from '../../model/spec.ts'
import type { Rng } from '../../rng.ts'
import { operatorKey } from './genome.ts'
import type { Operator, Unit } from './genome.ts'
import { listFrom, objectFrom, refuse } from './json.ts'
import { matchOperator, operatorFrom, pickOperator } from './operators.ts'
import type { Space } from './space.ts'

interface PlacedBlock {
  readonly item: BlockItem
  readonly path: string
}

/** The blocks of items with groups unrolled and disabled ones left out. */
export function flatBlocks(items: readonly StackItem[], path: string): PlacedBlock[] {
  return items.flatMap((item, i): PlacedBlock[] => {
    const at = `${path}[${i}]`
    if (!isGroup(item)) return item.disabled === true ? [] : [{ item, path: at }]
    const inner = flatBlocks(item.blocks, `${at}.blocks`)
    return Array.from({ length: item.repeat }, () => inner).flat()
  })
}

const isMixer = ({ item, path }: PlacedBlock): boolean => blockOf(item.kind, path).category === 'sequence mixer'

/** Whether blocks can be read as units: there are some and the first is a sequence mixer. */
export const startsUnit = (blocks: readonly PlacedBlock[]): boolean => blocks[0] !== undefined && isMixer(blocks[0])

/**
 * Reads blocks as units of a space.
 * @throws HeddleError `spec-invalid` for a block that the space does not offer, or a number of channel mixers.
 */
export function unitsOf(blocks: readonly PlacedBlock[], space: Space, dModel: number): Unit[] {
  const units: { readonly mixer: Operator; readonly channels: Operator[]; readonly path: string }[] = []
  for (const block of blocks) {
    const { item, path } = block
    const isFirst = isMixer(block)
    const families = isFirst ? space.mixers : space.channelMixers
    const operator = matchOperator(families, item, dModel, path)
    if (operator === undefined)
      throw new HeddleError(
        'spec-invalid',
        `${operatorKey({ kind: item.kind, ...(item.params && { params: item.params }) })} is not in the search space`,
        {
          path,
          hint: `it offers ${families.flat().map(operatorKey).join(', ')}`,
        },
      )
    if (isFirst) units.push({ mixer: operator, channels: [], path })
    else if (units.length > 0) units.at(-1)!.channels.push(operator)
    else
      throw new HeddleError(
        'spec-invalid',
        `a stack of the search space starts with a sequence mixer, not ${item.kind}`,
        { path },
      )
  }
  const { channelCounts } = space.config
  const wrong = units.find(({ channels }) => !channelCounts.includes(channels.length))
  if (wrong !== undefined)
    throw new HeddleError(
      'spec-invalid',
      `${wrong.mixer.kind} has ${wrong.channels.length} channel mixers after it; the search space allows ${channelCounts.join(' or ')}`,
      {
        path: wrong.path,
      },
    )
  return units.map(({ mixer, channels }) => ({ mixer, channels }))
}

/** Throws HeddleError `spec-invalid` unless a stack has as many blocks as the space allows. */
export function checkDepth(count: number, { config: { minBlocks, maxBlocks } }: Space): void {
  if (count < minBlocks || count > maxBlocks)
    throw new HeddleError(
      'spec-invalid',
      `the stack has ${count} blocks; the search space allows ${minBlocks} to ${maxBlocks}`,
      { path: 'blocks' },
    )
}

/** A random sequence mixer other than `except`; undefined if there is none. */
export const pickMixer = (space: Space, rng: Rng, except: readonly Operator[] = []): Operator | undefined =>
  pickOperator(space.mixers, rng, except)

/** So many random channel mixers. */
export const pickChannels = (space: Space, count: number, rng: Rng): Operator[] =>
  Array.from({ length: count }, () => pickOperator(space.channelMixers, rng)!)

/** Channel mixers cut or extended at random to another count; undefined where the space has no other. */
export function recount(channels: readonly Operator[], space: Space, rng: Rng): Operator[] | undefined {
  const counts = space.config.channelCounts.filter((count) => count !== channels.length)
  if (counts.length === 0) return undefined
  const count = rng.pick(counts)
  return [...channels.slice(0, count), ...pickChannels(space, Math.max(0, count - channels.length), rng)]
}

/** Reads a list of channel mixers of a genome. */
export function channelsFrom(json: unknown, space: Space, path: string): Operator[] {
  const channels = listFrom(json, 0, space.config.maxBlocks, path).map((item, i) =>
    operatorFrom(item, space.channelMixers, `${path}[${i}]`),
  )
  const { channelCounts } = space.config
  if (!channelCounts.includes(channels.length))
    refuse(path, `${channels.length} channel mixers; the space allows ${channelCounts.join(' or ')}`)
  return channels
}

/** Reads a unit of a genome. */
export function unitFrom(json: unknown, space: Space, path: string): Unit {
  const { mixer, channels } = objectFrom(json, ['mixer', 'channels'], path)
  return {
    mixer: operatorFrom(mixer, space.mixers, `${path}.mixer`),
    channels: channelsFrom(channels, space, `${path}.channels`),
  }
}
