// Several searches side by side: those that differ by their seed at most are one group, whose runs make a band. Pure.

import type { Frame } from '#core/plots/axes.ts'
import type { PointShape } from '#core/plots/front.ts'
import type { Mark } from '#core/plots/scene.ts'
import { canonicalJson } from '#core/model/spec.ts'
import type { Goal, Trial } from '#core/search/index.ts'
import { directionsOf, objectiveValues } from '#core/search/study/objectives.ts'
import { meets } from '#core/search/index.ts'
import { attainment } from '#core/stats/attainment.ts'

export interface Candidate {
  readonly id: number
  readonly name: string
  readonly searcher: string
  readonly config: Readonly<Record<string, unknown>>
  readonly goal: Goal
  readonly trials: readonly Trial[]
}

export interface Group {
  /** Of the first study, or of the searcher where several ran. */
  readonly name: string
  readonly studies: readonly Candidate[]
}

const SHAPES: readonly PointShape[] = ['circle', 'square', 'diamond', 'triangle']
const DASHES = [undefined, '6 3', '2 2', '8 3 2 3'] as const

/** How the group of an index looks: shapes first, then dashes. */
export const lookOf = (index: number): { readonly shape: PointShape; readonly dash?: string } => {
  const dash = DASHES[index % DASHES.length]
  return { shape: SHAPES[index % SHAPES.length]!, ...(dash !== undefined && { dash }) }
}

/** Searches that have the goal of the first, in groups that differ in more than the seed; and those that have another. */
export function groupsOf(candidates: readonly Candidate[]): {
  readonly groups: readonly Group[]
  readonly others: readonly Candidate[]
} {
  const [first] = candidates
  const objectives = ({ goal }: Candidate): string => canonicalJson(goal.objectives)
  const alike = candidates.filter((one) => first !== undefined && objectives(one) === objectives(first))
  const settingsOf = ({
    config: { seed: _seed, trials: _trials, parallel: _parallel, table: _table, ...rest },
  }: Candidate) => canonicalJson(rest)
  const groups = [...Map.groupBy(alike, settingsOf).values()].map((studies) => ({
    name: studies.length === 1 ? studies[0]!.name : `${studies[0]!.searcher}, ${repeats(studies)}`,
    studies,
  }))
  return { groups, others: candidates.filter((one) => !alike.includes(one)) }
}

/** The same seed twice repeats the measurements alone. */
function repeats(studies: readonly Candidate[]): string {
  const seeds = new Set(studies.map(({ config }) => config['seed'])).size
  return seeds === studies.length
    ? `${seeds} seeds`
    : `${studies.length} runs of ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`
}

/** Results of one search that keep its bounds, as values of the objectives. */
export const resultsOf = ({ goal, trials }: Candidate): number[][] =>
  trials
    .filter(({ state, metrics }) => state === 'done' && meets(goal.constraints, metrics))
    .map(({ metrics }) => objectiveValues(goal, metrics))
    .filter((point) => point.every(Number.isFinite))

/**
 * Between the best and the worst that the seeds of a group attain, and the line that half of them do; only for two
 * objectives and several seeds. `xObjective` is the objective on the horizontal axis.
 */
export function bandOf({ studies }: Group, xObjective: 0 | 1, f: Frame, ink: string): Mark[] {
  const [first] = studies
  if (first === undefined || studies.length < 2 || first.goal.objectives.length !== 2) return []
  const turn = <T>([a, b]: readonly [T, T]): readonly [T, T] => (xObjective === 0 ? [a, b] : [b, a])
  const [xDirection, yDirection] = turn(directionsOf(first.goal) as ['minimise' | 'maximise', 'minimise' | 'maximise'])
  const runs = studies.map((study) => resultsOf(study).map((point) => turn(point as [number, number])))
  const { best, median, worst } = attainment(runs, [xDirection, yDirection])
  const badX = xDirection === 'minimise' ? f.inner.right : f.inner.left
  const badY = yDirection === 'minimise' ? f.inner.top : f.inner.bottom
  const inX = (value: number): number => Math.min(f.inner.right, Math.max(f.inner.left, f.x(value)))
  const inY = (value: number): number => Math.min(f.inner.bottom, Math.max(f.inner.top, f.y(value)))
  /** Corners in pixels of the region behind a step line, from the bad edge of the vertical axis on. */
  const outline = (corners: readonly (readonly [number, number])[]): (readonly [number, number])[] =>
    corners.length === 0
      ? []
      : [
          ...corners.flatMap(([x, y], i) => [
            [inX(x), i === 0 ? badY : inY(corners[i - 1]![1])] as const,
            [inX(x), inY(y)] as const,
          ]),
          [badX, inY(corners.at(-1)![1])],
          [badX, badY],
        ]
  const path = (points: readonly (readonly [number, number])[]): string =>
    points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x},${y}`).join('')
  const closed = (points: readonly (readonly [number, number])[]): string =>
    points.length === 0 ? '' : `${path(points)}Z`
  if (best.length === 0) return []
  return [
    // the inner outline runs the other way round, which leaves a hole
    { mark: 'path', d: closed(outline(best)) + closed(outline(worst).reverse()), fill: ink, opacity: 0.14 },
    { mark: 'path', d: path(outline(median).slice(0, -1)), stroke: ink, width: 1, dash: '1 3' },
  ]
}
