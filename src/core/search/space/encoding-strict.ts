// The template of arXiv 2511.18890 section 3.2: an early, a middle and a late stage, each repeating one block type of at
// most two mixers in a ratio, with the same channel mixers after every mixer. Overflow cuts repeats of the last stage.

import { HeddleError } from '../../errors.ts'
import { isGroup } from '../../model/spec.ts'
import type { ArchSpec } from '../../model/spec.ts'
import { defineEncoding } from './encoding.ts'
import type { Change, Mutator } from './encoding.ts'
import { groupOf, isSameOperator, operatorText, RATIOS, unitKey } from './genome.ts'
import type { Operator, Ratio, Stage, StrictGenome, Unit } from './genome.ts'
import { integerFrom, listFrom, objectFrom, refuse, wordFrom } from './json.ts'
import { operatorFrom, pickOperator, variantCount } from './operators.ts'
import type { Space } from './space.ts'
import { sampleLengths, shapesOf, stageWays } from './strict-lengths.ts'
import { channelsFrom, checkDepth, flatBlocks, pickChannels, pickMixer, recount, startsUnit, unitsOf } from './units.ts'

/** Labels of the stages, in order. */
export const STAGES = ['early', 'middle', 'late'] as const

/** Units of the second mixer in a block type. */
const secondsOf = (ratio: Ratio): number => RATIOS.indexOf(ratio)

function unitsOfStage({ mixers, ratio, channels }: Stage): Unit[] {
  const [first, second] = mixers as readonly [Operator, Operator?]
  const seconds = second === undefined ? [] : Array.from({ length: secondsOf(ratio) }, () => second)
  return [first, ...seconds].map((mixer) => ({ mixer, channels }))
}

const lengthOf = ({ ratio, channels }: Stage): number => (1 + secondsOf(ratio)) * (1 + channels.length)

/** An absent stage has the type of the one before: it has nothing of its own that would vary unseen. */
function withAbsent(stages: readonly Stage[]): Stage[] {
  const filled: Stage[] = []
  for (const stage of stages)
    filled.push(stage.repeat === 0 && filled.length > 0 ? { ...filled.at(-1)!, repeat: 0 } : stage)
  return filled
}

/** Cuts repeats from the last stage on, and gives back to the first ones what was cut too much. */
function repair(genome: StrictGenome, { config: { minBlocks, maxBlocks } }: Space): StrictGenome | undefined {
  const lengths = genome.stages.map(lengthOf)
  const repeats = genome.stages.map(({ repeat }) => repeat)
  let depth = lengths.reduce((sum, length, i) => sum + length * repeats[i]!, 0)
  for (let i = repeats.length - 1; i >= 0; i--) {
    const least = i === 0 ? 1 : 0
    for (; depth > maxBlocks && repeats[i]! > least; repeats[i]!--) depth -= lengths[i]!
  }
  genome.stages.forEach(({ repeat }, i) => {
    for (; repeats[i]! < repeat && depth + lengths[i]! <= maxBlocks; repeats[i]!++) depth += lengths[i]!
  })
  if (depth > maxBlocks || depth < minBlocks || repeats[0] === 0) return undefined
  return { ...genome, stages: withAbsent(genome.stages.map((stage, i) => ({ ...stage, repeat: repeats[i]! }))) }
}

/** One stage changed; the change is lost if repair cuts the stage. */
function changeStage(genome: StrictGenome, index: number, change: Partial<Stage>, text: string): Change<StrictGenome> {
  const stages = genome.stages.with(index, { ...genome.stages[index]!, ...change })
  return {
    genome: { ...genome, stages },
    description: `${STAGES[index]}: ${text}`,
    isKept: (repaired) => repaired.stages[index]!.repeat > 0,
  }
}

/** Index of a random stage that is there. */
const pickStage = (genome: StrictGenome, rng: Parameters<Mutator>[2]): number =>
  rng.pick(genome.stages.flatMap(({ repeat }, i) => (repeat > 0 ? [i] : [])))

/** A mixer of the block type becomes another; if that is the type's other one, the two trade places. */
const mutateOperator: Mutator<StrictGenome> = (genome, space, rng) => {
  const index = pickStage(genome, rng)
  const { mixers, channels } = genome.stages[index]!
  const place = rng.integer(mixers.length + (variantCount(space.channelMixers) > 1 ? channels.length : 0))
  const old = [...mixers, ...channels][place]!
  const picked = pickOperator(place < mixers.length ? space.mixers : space.channelMixers, rng, [old])
  if (picked === undefined) return undefined
  const isMixer = place < mixers.length
  const trade = (operator: Operator, i: number): Operator =>
    i === place ? picked : isSameOperator(operator, picked) ? old : operator
  const change = isMixer ? { mixers: mixers.map(trade) } : { channels: channels.with(place - mixers.length, picked) }
  return changeStage(genome, index, change, `${operatorText(old)} becomes ${operatorText(picked)}`)
}

const mutateRatio: Mutator<StrictGenome> = (genome, space, rng) => {
  const index = pickStage(genome, rng)
  const { mixers, ratio } = genome.stages[index]!
  const next = rng.pick(RATIOS.filter((other) => other !== ratio))
  if (next === RATIOS[0]) {
    const kept = rng.pick(mixers)
    const text = `ratio ${ratio} becomes ${next}, ${operatorText(kept)} alone`
    return changeStage(genome, index, { ratio: next, mixers: [kept] }, text)
  }
  const second = mixers[1] ?? pickMixer(space, rng, mixers)
  if (second === undefined) return undefined
  const joined = mixers.length === 1 ? ` with ${operatorText(second)}` : ''
  const change = { ratio: next, mixers: [mixers[0]!, second] }
  return changeStage(genome, index, change, `ratio ${ratio} becomes ${next}${joined}`)
}

const mutateChannels: Mutator<StrictGenome> = (genome, space, rng) => {
  const index = pickStage(genome, rng)
  const { channels } = genome.stages[index]!
  const next = recount(channels, space, rng)
  if (next === undefined) return undefined
  const text = `channel mixers after each mixer: ${channels.length} becomes ${next.length}`
  return changeStage(genome, index, { channels: next }, text)
}

/** One repeat more, one less, or one handed to another stage. */
const mutateRepeats: Mutator<StrictGenome> = (genome, _space, rng) => {
  const index = rng.integer(genome.stages.length)
  const delta = rng.pick([1, -1])
  const taker = rng.pick([undefined, ...genome.stages.keys()].filter((i) => i !== index))
  const changes = new Map([[index, delta], ...(taker === undefined ? [] : [[taker, -delta] as const])])
  const stages = genome.stages.map((stage, i) => ({ ...stage, repeat: stage.repeat + (changes.get(i) ?? 0) }))
  if (stages.some(({ repeat }, i) => repeat < (i === 0 ? 1 : 0))) return undefined
  const description = [...changes.keys()]
    .map((i) => `${STAGES[i]}: x${genome.stages[i]!.repeat} becomes x${stages[i]!.repeat}`)
    .join(', ')
  return { genome: { ...genome, stages }, description }
}

/** The block type of units, repeated: undefined unless all have the same channel mixers and the mixers follow a ratio. */
function stageOf(units: readonly Unit[], repeat: number): Stage | undefined {
  const [head] = units
  if (head === undefined) return undefined
  const type = (ratio: Ratio, mixers: Operator[]): Stage => ({ mixers, ratio, channels: head.channels, repeat })
  for (const ratio of RATIOS) {
    const other = units[1]?.mixer
    const stage = secondsOf(ratio) === 0 ? type(ratio, [head.mixer]) : other && type(ratio, [head.mixer, other])
    const expected = stage === undefined ? [] : unitsOfStage(stage)
    const times = units.length / expected.length
    if (
      stage === undefined ||
      !Number.isInteger(times) ||
      (stage.mixers.length === 2 && isSameOperator(head.mixer, other!))
    )
      continue
    if (units.every((unit, i) => unitKey(unit) === unitKey(expected[i % expected.length]!)))
      return { ...stage, repeat: repeat * times }
  }
  return undefined
}

/** Groups of the spec as stages, by their labels if they have those of stages; undefined where they do not fit. */
function stagesOfGroups(spec: ArchSpec, space: Space, dModel: number): Stage[] | undefined {
  const stages: (Stage | undefined)[] = []
  for (const [i, item] of spec.blocks.entries()) {
    if (!isGroup(item)) return undefined
    const index = STAGES.findIndex((label) => label === item.label)
    const place = index >= 0 ? index : stages.length
    const blocks = flatBlocks(item.blocks, `blocks[${i}].blocks`)
    const stage = startsUnit(blocks) ? stageOf(unitsOf(blocks, space, dModel), item.repeat) : undefined
    if (stage === undefined || place < stages.length || place >= STAGES.length) return undefined
    stages[place] = stage
  }
  return complete([...stages])
}

/** Three stages; undefined without a first. */
function complete(stages: readonly (Stage | undefined)[]): Stage[] | undefined {
  const [first] = stages
  if (first === undefined) return undefined
  return withAbsent(STAGES.map((_, i) => stages[i] ?? { ...first, repeat: 0 }))
}

/** The first division of a flat stack into one to three stages. */
function divide(units: readonly Unit[]): Stage[] | undefined {
  for (let parts = 1; parts <= STAGES.length; parts++) {
    for (let i = parts > 1 ? 1 : units.length; i <= units.length; i++) {
      for (let j = parts > 2 ? i + 1 : units.length; j <= units.length; j++) {
        const stages = [units.slice(0, i), units.slice(i, j), units.slice(j)]
          .slice(0, parts)
          .map((part) => stageOf(part, 1))
        if (stages.every((stage) => stage !== undefined)) return complete(stages)
      }
    }
  }
  return undefined
}

function parseStage(json: unknown, space: Space, path: string): Stage {
  const fields = objectFrom(json, ['mixers', 'ratio', 'channels', 'repeat'], path)
  const ratio = wordFrom(fields['ratio'], RATIOS, `${path}.ratio`)
  const count = ratio === RATIOS[0] ? 1 : 2
  const mixers = listFrom(fields['mixers'], count, count, `${path}.mixers`).map((item, i) =>
    operatorFrom(item, space.mixers, `${path}.mixers[${i}]`),
  )
  if (count === 2 && isSameOperator(mixers[0]!, mixers[1]!))
    refuse(`${path}.mixers`, `the two mixers of a block type must differ, both are ${operatorText(mixers[0]!)}`)
  return {
    mixers,
    ratio,
    channels: channelsFrom(fields['channels'], space, `${path}.channels`),
    repeat: integerFrom(fields['repeat'], 0, space.config.maxBlocks, `${path}.repeat`),
  }
}

export const strictEncoding = defineEncoding<StrictGenome>({
  kind: 'strict',
  title: 'Three stages',
  doc: 'The template of arXiv 2511.18890: an early, a middle and a late stage, each repeating one block type of at most two mixers in a ratio of 0:1, 1:1, 1:2 or 1:3, with the same channel mixers after every mixer. Repeats are free up to the limit of depth; overflow cuts the last stage.',
  size: (space) => {
    const mixers = variantCount(space.mixers)
    const channels = variantCount(space.channelMixers)
    const typesOf = shapesOf(space).map(
      (shape) => (shape.ratio === RATIOS[0] ? mixers : mixers * (mixers - 1)) * channels ** shape.channels,
    )
    const ways = stageWays(space, typesOf)
    const { minBlocks, maxBlocks } = space.config
    let count = 0
    for (let early = 1; early <= maxBlocks; early++) {
      for (let middle = 0; early + middle <= maxBlocks; middle++) {
        const two = ways[early]! * (middle === 0 ? 1 : ways[middle]!)
        for (let late = 0; early + middle + late <= maxBlocks; late++) {
          if (early + middle + late >= minBlocks) count += two * (late === 0 ? 1 : ways[late]!)
        }
      }
    }
    return { count, of: 'genomes' }
  },
  sample: (space, dModel, rng) => {
    const stages = sampleLengths(space, rng).map(({ shape, repeat }): Stage => {
      const first = pickMixer(space, rng)!
      const mixers = shape.ratio === RATIOS[0] ? [first] : [first, pickMixer(space, rng, [first])!]
      return { mixers, ratio: shape.ratio, channels: pickChannels(space, shape.channels, rng), repeat }
    })
    return { encoding: 'strict', dModel, stages: complete(stages)! }
  },
  units: ({ stages }) =>
    stages.flatMap(({ mixers, ratio, channels, repeat }) =>
      repeat === 0
        ? []
        : mixers.map((mixer, i) => ({
            unit: { mixer, channels },
            count: i === 0 ? repeat : repeat * secondsOf(ratio),
          })),
    ),
  mutators: { operator: mutateOperator, ratio: mutateRatio, channels: mutateChannels, repeats: mutateRepeats },
  cross: (a, b, rng) => {
    // at least one stage from either
    const fromB = rng.integer(STAGES.length)
    const fromA = (fromB + 1 + rng.integer(STAGES.length - 1)) % STAGES.length
    return {
      ...a,
      stages: a.stages.map((stage, i) => (i === fromB || (i !== fromA && rng.integer(2) === 1) ? b.stages[i]! : stage)),
    }
  },
  repair,
  items: ({ stages }) => stages.flatMap((stage, i) => groupOf(STAGES[i]!, unitsOfStage(stage), stage.repeat)),
  encode: (spec, space, dModel) => {
    const blocks = flatBlocks(spec.blocks, 'blocks')
    checkDepth(blocks.length, space)
    const units = unitsOf(blocks, space, dModel)
    const stages = stagesOfGroups(spec, space, dModel) ?? divide(units)
    if (stages === undefined)
      throw new HeddleError(
        'spec-invalid',
        'the stack is not three stages that each repeat one block type of at most two mixers',
        {
          path: 'blocks',
          hint: 'use the free encoding, which takes any stack',
        },
      )
    return { encoding: 'strict', dModel, stages }
  },
  parse: (json, space, dModel, path) => {
    objectFrom(json, ['encoding', 'dModel', 'stages'], path)
    const stages = listFrom(json['stages'], STAGES.length, STAGES.length, `${path}.stages`).map((stage, i) =>
      parseStage(stage, space, `${path}.stages[${i}]`),
    )
    if (stages[0]!.repeat === 0) refuse(`${path}.stages[0].repeat`, 'the early stage must be repeated at least once')
    return { encoding: 'strict', dModel, stages: withAbsent(stages) }
  },
})
