// The law of a stored sweep: fitted to its losses, with what it says of every shape and which shape a budget allows. Pure.

import type { LawGroup } from '#core/plots/law-fit.ts'
import { rng } from '#core/rng.ts'
import { scalingLawBands } from '#core/stats/law/bands.ts'
import type { LawBands } from '#core/stats/law/bands.ts'
import { latencyOptimal } from '#core/stats/law/latency-optimal.ts'
import type { LatencyOptimal } from '#core/stats/law/latency-optimal.ts'
import { fitScalingLaw, heldOutError, predictLoss } from '#core/stats/law/scaling-law.ts'
import type { HeldOutError, ScalingLawFit } from '#core/stats/law/scaling-law.ts'

/** A shape of a sweep as its trial says. */
export interface Shape {
  readonly number: number
  readonly spec: string | null
  readonly state: string
  readonly depth: number
  readonly width: number
  readonly budget: number
  readonly params: number
  readonly latencyMs: number
  /** Nats a token; NaN where the training failed or is not done. */
  readonly loss: number
}

export interface SweepLaw {
  readonly fit: ScalingLawFit
  readonly bands: LawBands
  /** Of a law fitted without the deepest shapes and the largest budget, on those; absent where too few are left. */
  readonly heldOut: HeldOutError | undefined
  /** By number of the shape. */
  readonly residuals: ReadonlyMap<number, number>
  readonly isHeldOut: (shape: Shape) => boolean
}

/** Resamples of the intervals. */
const RESAMPLES = 200
const LEAST = 3

/** Shapes in the order of their numbers; a trial without the facts of a shape is left out. */
export function shapesOf(
  trials: readonly {
    readonly number: number
    readonly spec: string | null
    readonly state: string
    readonly metrics: Readonly<Record<string, number | null>> | null
  }[],
): Shape[] {
  return trials.flatMap(({ number, spec, state, metrics }) => {
    const value = (name: string): number => metrics?.[name] ?? NaN
    const [depth, width, budget, params, latencyMs] = ['depth', 'width', 'budget', 'params', 'latencyMs'].map(value)
    if (!(depth! > 0 && width! > 0 && budget! > 0)) return []
    const shape = { depth: depth!, width: width!, budget: budget!, params: params!, latencyMs: latencyMs! }
    return [{ number, spec, state, ...shape, loss: value('valLoss') }]
  })
}

/** Undefined where fewer than three shapes have a loss. The seed is that of the study, so that intervals are its own. */
export function lawOfShapes(shapes: readonly Shape[], seed: number): SweepLaw | undefined {
  const used = shapes.filter(({ loss }) => loss > 0 && loss < Infinity)
  if (used.length < LEAST) return undefined
  const deepest = Math.max(...shapes.map((s) => s.depth)),
    largest = Math.max(...shapes.map((s) => s.budget))
  const isHeldOut = ({ depth, budget }: Shape): boolean => depth === deepest || budget === largest
  const inner = used.filter((s) => !isHeldOut(s)),
    outer = used.filter(isHeldOut)
  const bands = scalingLawBands(used, [], { rng: rng(seed, 'sweep'), resamples: RESAMPLES })
  return {
    fit: fitScalingLaw(used),
    bands,
    heldOut: inner.length < LEAST ? undefined : heldOutError(outer, fitScalingLaw(inner).law),
    residuals: new Map(used.map((s) => [s.number, s.loss / predictLoss(bands.law, s) - 1])),
    isHeldOut,
  }
}

/** For the plot: every budget with its shapes and the law along it, its width between shapes on a line in the logarithm. */
export function lawGroups(
  shapes: readonly Shape[],
  law: SweepLaw | undefined,
  nameOf: (budget: number) => string,
): LawGroup[] {
  return [...Map.groupBy(shapes, (shape) => shape.budget)].map(([budget, list]) => {
    const row = [...list].sort((a, b) => a.depth - b.depth)
    return {
      name: nameOf(budget),
      points: row.map((s) => ({
        depth: s.depth,
        loss: s.loss,
        isHeldOut: law?.isHeldOut(s) ?? false,
        note: `width ${s.width}`,
      })),
      curve: law === undefined ? [] : curveOf(row, law),
    }
  })
}

function curveOf(row: readonly Shape[], { bands }: SweepLaw): LawGroup['curve'] {
  const points = row.flatMap((shape, i): { depth: number; width: number }[] => {
    const next = row[i + 1]
    if (next === undefined) return [shape]
    return [0, 0.25, 0.5, 0.75].map((share) => ({
      depth: shape.depth + share * (next.depth - shape.depth),
      width: Math.exp((1 - share) * Math.log(shape.width) + share * Math.log(next.width)),
    }))
  })
  return points.map((at) => {
    const all = bands.laws.map((one) => predictLoss(one, at)).sort((a, b) => a - b)
    const end = (share: number): number => all[Math.round(share * (all.length - 1))] ?? NaN
    return { depth: at.depth, loss: predictLoss(bands.law, at), low: end(0.025), high: end(0.975) }
  })
}

/** The measured shape with the lowest loss by the law whose latency, or whose parameters, are within a budget. */
export function bestShape(
  shapes: readonly Shape[],
  { bands }: SweepLaw,
  by: 'latencyMs' | 'params',
  budget: number,
): LatencyOptimal {
  const candidates = shapes.map((s) => ({ depth: s.depth, width: s.width, latencyMs: s[by] }))
  return latencyOptimal({ candidates, budgetMs: budget, law: bands.law, laws: bands.laws })
}

/** Round latencies for lines of equal latency: at most `most`, evenly in the logarithm. */
export function isoLevels(latencies: readonly number[], most = 4): number[] {
  const known = latencies.filter((ms) => ms > 0 && ms < Infinity)
  if (known.length < 2) return []
  const low = Math.log(Math.min(...known)),
    high = Math.log(Math.max(...known))
  const levels = Array.from({ length: most }, (_, i) =>
    Number(Math.exp(low + ((i + 1) / (most + 1)) * (high - low)).toPrecision(2)),
  )
  return high - low < 1e-9 ? [] : [...new Set(levels)]
}
