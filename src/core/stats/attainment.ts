// Empirical attainment: what several runs of a search reach, as step functions over the first metric.
// Source: Grunert da Fonseca, Fonseca & Hall 2001; surfaces as in Lopez-Ibanez, Paquete & Stuetzle 2010.

import { check, checkRange } from './check.ts'
import { directionSigns, minimised, type Direction, type Point } from './direction.ts'

/** Corners of a step function, in order of the first metric from good to bad; empty where nothing is attained. */
export type AttainmentSurface = readonly (readonly [number, number])[]

/**
 * The boundary that at least a `share` in (0, 1] of the runs attain: at each corner, so many runs have a point at least
 * as good in both metrics. `runs[r]` are the points of one run, dominated ones allowed, non-finite ones ignored.
 * Throws `sample-invalid` for other than two metrics or no runs.
 */
export function attainmentSurface(
  runs: readonly (readonly Point[])[],
  share: number,
  directions?: readonly Direction[],
): AttainmentSurface {
  checkRange('share', share, Number.MIN_VALUE, 1)
  check(runs.length > 0, 'runs', 'attainment needs at least one run')
  const signs = directionSigns(directions, 2)
  const events = runs.flatMap((points, run) => {
    const { values, dimensions } = minimised(points, directions)
    check(points.length === 0 || dimensions === 2, 'runs', `attainment is drawn for two metrics, not ${dimensions}`)
    return Array.from({ length: values.length / 2 }, (_, i) => ({ run, x: values[2 * i]!, y: values[2 * i + 1]! }))
  })
  events.sort((a, b) => a.x - b.x)
  // 0.3 * 10 is above 3 in floating point
  const needed = Math.max(1, Math.ceil(share * runs.length - 1e-9))

  const reached = new Float64Array(runs.length).fill(Infinity) // best second metric of each run so far
  const corners: [number, number][] = []
  let level = Infinity
  for (let i = 0; i < events.length;) {
    const x = events[i]!.x
    for (; i < events.length && events[i]!.x === x; i++) {
      const { run, y } = events[i]!
      if (y < reached[run]!) reached[run] = y
    }
    const next = Float64Array.from(reached).sort()[needed - 1]!
    if (next < level) corners.push([0 + signs[0]! * x, 0 + signs[1]! * next])
    level = Math.min(level, next)
  }
  return corners
}

/** The surfaces that any run, half of the runs (at least) and every run attain. */
export function attainment(
  runs: readonly (readonly Point[])[],
  directions?: readonly Direction[],
): { readonly best: AttainmentSurface; readonly median: AttainmentSurface; readonly worst: AttainmentSurface } {
  return {
    best: attainmentSurface(runs, Number.MIN_VALUE, directions),
    median: attainmentSurface(runs, 0.5, directions),
    worst: attainmentSurface(runs, 1, directions),
  }
}
