import { measuredOf, metricOf } from '#core/metrics.ts'
import { printSpecText } from '#core/model/text.ts'
import { frontScene } from '#core/plots/front.ts'
import type { FrontStudy } from '#core/plots/front.ts'
import type { Theme } from '#core/plots/theme.ts'
import type { Trial } from '#core/search/index.ts'
import { client } from '../../client.ts'
import { patternOf } from '../../state/spec-of-run.ts'
import { studies } from '../../state/studies.svelte.ts'
import type { OpenSearch } from '../../state/studies.svelte.ts'
import { colorOf, stackOf, valueOf } from '../../views/search/board/specs.ts'
import { axisOf, isPredicted, titleOf } from '../../views/search/metrics.ts'
import { TRIALS_TYPE, trialRows } from './trials.ts'
import { cellView, NOTHING, numbersOf } from './view.ts'
import type { Figure, Output } from './view.ts'

interface Content {
  readonly name: string
  readonly stacks: readonly string[]
  readonly config: Readonly<Record<string, unknown>> & { readonly space: Readonly<Record<string, unknown>> }
}
interface Result {
  readonly study: number
}

const SHAPES = ['circle', 'square', 'diamond', 'triangle'] as const
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3'] as const
const BEST = 8

export const search = cellView<Content, Result>({
  async run({ name, stacks, config }, context) {
    const seeds = stacks.map((id) => {
      const { name: _, ...spec } = context.spec(id)
      return printSpecText({ ...spec, model: spec.model.dModel === undefined ? {} : { dModel: spec.model.dModel } })
    })
    const space = seeds.length === 0 ? config.space : { ...config.space, seeds }
    const job = await context.once('job', () =>
      client.search.start({
        name: name === '' ? context.id : name,
        config: JSON.parse(JSON.stringify({ ...config, space })) as Readonly<Record<string, unknown>>,
      }),
    )
    const ended = await context.follow(job, ({ subject }) => {
      if (subject.study !== undefined) context.show({ study: subject.study })
    })
    return { study: ended.subject.study! }
  },
  output: (_, result) =>
    searchOutput(
      numbersOf(result, 'study').map((study) => ({ study, name: '' })),
      '',
      '',
    ),
  rows: (_, result) => trialRows(result),
  type: TRIALS_TYPE,
})

/** Fronts of searches over two metrics, with the best trials of each. */
export async function searchOutput(
  searches: readonly { readonly study: number; readonly name: string }[],
  x: string,
  y: string,
): Promise<Output> {
  const open = await Promise.all(searches.map(({ study }) => opened(study)))
  const goal = open[0]?.goal
  if (goal === undefined) return NOTHING
  const first = y === '' ? goal.objectives[0]!.metric : y
  const cost = x === '' ? (goal.objectives[1]?.metric ?? 'params') : x
  const bound = goal.constraints.find(({ metric }) => metric === cost)?.max
  // trials are read when the scene is drawn, so that a figure grows with its search
  const trialsOf = (study: number): OpenSearch | undefined => studies.searches.get(study)
  const figure: Figure = {
    name: 'Front',
    height: 340,
    scene: (width, height, theme) =>
      frontScene(
        searches.flatMap(({ study, name }, i) => {
          const found = trialsOf(study)
          return found === undefined ? [] : [frontOf(found, name, i, first, cost, theme)]
        }),
        {
          width,
          height,
          theme,
          xLabel: axisOf(cost),
          yLabel: axisOf(first),
          ...(bound !== undefined && { constraint: { x: bound, label: 'target' } }),
        },
      ),
  }
  return {
    ...NOTHING,
    figures: [figure],
    tables: open.map((found, i) => ({
      name: searches[i]!.name === '' ? 'Best trials' : `Best trials of ${searches[i]!.name}`,
      columns: ['trial', 'stack', titleOf(first).toLowerCase(), titleOf(cost).toLowerCase()],
      rows: best(found, first).map((trial) => [
        trial.number,
        patternOf(stackOf(trial, found.space)),
        valueOf(trial, first) ?? null,
        valueOf(trial, cost) ?? null,
      ]),
      isCut: false,
    })),
  }
}

async function opened(study: number): Promise<OpenSearch> {
  // a study that was just made may not be listed yet
  if (studies.get(study) === undefined) await studies.load()
  return studies.open(study)
}

function best({ trials }: OpenSearch, metric: string): Trial[] {
  const sign = metricOf(metric)?.better === 'higher' ? -1 : 1
  return trials
    .filter((trial) => trial.state === 'done' && valueOf(trial, metric) !== undefined)
    .sort((a, b) => sign * (valueOf(a, metric)! - valueOf(b, metric)!))
    .slice(0, BEST)
}

function frontOf(
  { trials, space }: OpenSearch,
  name: string,
  index: number,
  quality: string,
  cost: string,
  theme: Theme,
): FrontStudy {
  const dash = DASHES[index % DASHES.length]
  return {
    name,
    shape: SHAPES[index % SHAPES.length]!,
    ...(dash !== undefined && { dash }),
    points: trials
      .filter((trial) => trial.state === 'done')
      .map((trial) => ({
        name: `trial ${trial.number}: ${patternOf(stackOf(trial, space))}`,
        color: colorOf(trial, space, theme.side),
        x: valueOf(trial, cost) ?? NaN,
        xLow: NaN,
        xHigh: NaN,
        y: valueOf(trial, quality) ?? NaN,
        isMeasured: !isPredicted(cost) && measuredOf(cost) === cost,
      })),
    failed: trials.filter(({ state }) => state === 'failed').map((trial) => valueOf(trial, cost) ?? NaN),
  }
}
