import { metricOf } from '#core/metrics.ts'
import { resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { curvesScene } from '#core/plots/curves.ts'
import type { Theme } from '#core/plots/theme.ts'
import { client } from '../../client.ts'
import { runs } from '../../state/runs.svelte.ts'
import { specOfRun } from '../../state/spec-of-run.ts'
import { toCsv } from '../../views/search/board/numbers.ts'
import { colorOfStack } from './color.ts'
import { cellView, NOTHING } from './view.ts'
import type { Figure } from './view.ts'

interface Content {
  readonly stacks: readonly string[]
  readonly config: Readonly<Record<string, unknown>>
}
interface Trained {
  readonly stack: string
  readonly run: number
}
interface Result {
  readonly runs: readonly Trained[]
}

const CURVES = ['loss', 'valLoss', 'bitsPerByte', 'accuracy']
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3'] as const

/** The runs of a stored result. */
export function runsOf(result: unknown): Trained[] {
  const list = (result as Partial<Result> | undefined)?.runs
  return (Array.isArray(list) ? list : []).flatMap((one: Partial<Trained>) =>
    Number.isSafeInteger(one?.run) && typeof one.stack === 'string' ? [{ run: one.run!, stack: one.stack }] : [],
  )
}

const last = (run: number, metric: string): number | null => {
  const value = runs.curve(run, metric)?.values.at(-1)
  return value !== undefined && Number.isFinite(value) ? value : null
}

export const train = cellView<Content, Result>({
  async run({ stacks, config }, context) {
    const done: Trained[] = []
    for (const id of stacks) {
      const spec = { ...context.spec(id), name: id }
      const job = await context.once(`job ${id}`, () =>
        client.training.start({ config: plain({ ...config, spec }), name: id }),
      )
      const show = (run: number | undefined): void => {
        if (run !== undefined) context.show({ runs: [...done, { stack: id, run }] })
      }
      const ended = await context.follow(job, ({ subject }) => show(subject.run))
      done.push({ stack: id, run: ended.subject.run! })
    }
    return { runs: done }
  },
  async output(_, result) {
    const trained = runsOf(result)
    if (trained.length === 0) return NOTHING
    const ids = trained.map(({ run }) => run)
    await Promise.all(CURVES.map((metric) => runs.need(ids, metric)))
    const shown = (metric: string): boolean => ids.some((run) => (runs.curve(run, metric)?.steps.length ?? 0) > 0)
    const quality = shown('bitsPerByte') ? 'bitsPerByte' : 'valLoss'
    const table = {
      name: 'Runs',
      columns: ['stack', 'run', 'steps', 'training loss', metricOf(quality)?.title.toLowerCase() ?? quality],
      rows: trained.map(({ stack, run }) => [
        stack,
        run,
        runs.curve(run, 'loss')?.steps.at(-1) ?? null,
        last(run, 'loss'),
        last(run, quality),
      ]),
      isCut: false,
    }
    return {
      ...NOTHING,
      figures: [figure(trained, 'loss'), ...(shown(quality) ? [figure(trained, quality)] : [])],
      tables: [table],
    }
  },
  async rows(_, result) {
    const trained = runsOf(result)
    const ids = trained.map(({ run }) => run)
    await Promise.all(CURVES.map((metric) => runs.need(ids, metric)))
    return trained.flatMap(({ stack, run }) =>
      CURVES.flatMap((metric) => {
        const curve = runs.curve(run, metric)
        if (curve === undefined) return []
        return [...curve.steps].map((step, i) => ({ run, stack, metric, step, value: curve.values[i]! }))
      }),
    )
  },
  type: "readonly { readonly run: number; readonly stack: string; readonly metric: 'loss' | 'valLoss' | 'bitsPerByte' | 'accuracy'; readonly step: number; readonly value: number }[]",
})

// curves are read when the scene is drawn, so that a figure grows with its runs
function figure(trained: readonly Trained[], metric: string): Figure {
  const { title = metric, unit = '' } = metricOf(metric) ?? {}
  const pointsOf = (run: number): (readonly [number, number])[] => {
    const curve = runs.curve(run, metric)
    return curve === undefined ? [] : [...curve.steps].map((step, i) => [step, curve.values[i]!] as const)
  }
  return {
    name: title,
    height: 260,
    scene: (width, height, theme) =>
      curvesScene(
        trained.map(({ run, stack }, i) => {
          const dash = DASHES[i % DASHES.length]
          return {
            name: stack,
            color: colorOfRun(run, theme),
            points: pointsOf(run),
            marked: metric !== 'loss',
            ...(dash !== undefined && { dash }),
          }
        }),
        { width, height, theme, xLabel: 'Step', yLabel: unit === '' ? title : `${title}, ${unit}` },
      ),
    csv: () =>
      toCsv(
        ['stack', 'run', 'step', metric],
        trained.flatMap(({ stack, run }) => pointsOf(run).map(([step, value]) => [stack, run, step, value])),
      ),
  }
}

function colorOfRun(id: number, theme: Theme): string {
  const run = runs.get(id)
  const spec = run === undefined ? undefined : specOfRun(run)
  return spec === undefined ? theme.ink : colorOfStack(resolveSpec(spec), theme.side)
}

const plain = (value: { readonly spec: ArchSpec }): Readonly<Record<string, unknown>> =>
  JSON.parse(JSON.stringify(value)) as Readonly<Record<string, unknown>>
