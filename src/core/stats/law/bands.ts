// Uncertainty of a scaling law by the bootstrap: many laws that the points allow, and intervals over them.

import type { Rng } from '../../rng.ts'
import { check, checkCount, checkLevel } from '../check.ts'
import { DEFAULT_LEVEL, type Interval } from '../interval.ts'
import { quantile } from '../summary.ts'
import {
  lawData,
  lawOf,
  predictLoss,
  solveLaw,
  type FitOptions,
  type LawPoint,
  type LawSizes,
  type ScalingLaw,
} from './scaling-law.ts'
import { gridStarts, refineBest, residuals, type Problem } from './solver.ts'

export interface BandOptions extends FitOptions {
  readonly rng: Rng
  /** Laws to fit, 20 to 10,000; default 400. */
  readonly resamples?: number | undefined
  /** Level of confidence in (0, 1); default 0.95. */
  readonly level?: number | undefined
  /**
   * What is resampled. `points`: the trained models, as if the sizes had come about by chance. `residuals`: the errors
   * around the fit at the sizes that there are, which suits a planned grid and few points.
   */
  readonly method?: 'points' | 'residuals' | undefined
}

export interface LawBands {
  readonly law: ScalingLaw
  /** The laws fitted to resamples; input of `latencyOptimal`. */
  readonly laws: readonly ScalingLaw[]
  readonly coefficients: Readonly<Record<'L0' | 'a' | 'alpha' | 'b' | 'beta' | 'c' | 'gamma', Interval>>
  /** The loss of the law at each of the sizes asked for: where the curve lies, not where a single run may land. */
  readonly predictions: readonly Interval[]
  /** Resamples that fixed too few free numbers and were drawn again. */
  readonly redrawn: number
}
