// A machine without hardware: its clock moves only when something runs, by a cost that a noise model decides.

import { rng } from '../../src/core/rng.ts'
import type { Clock, Subject } from '../../src/main/runtime/latency/sample.ts'

export interface SimulatedMachine extends Clock {
  /** Lets `ms` pass. */
  pass(ms: number): void
  /** A subject whose execution i (from 0, priming and warm-up included) takes `costMs(i, nowMs)`. */
  subject(
    name: string,
    costMs: (run: number, nowMs: number) => number,
    more?: Partial<Subject>,
  ): Subject & { readonly runs: () => number }
}

/** A clock that reads whole multiples of `stepMs`; reading it takes 50 ns. */
export function simulatedMachine(stepMs = 0.0001): SimulatedMachine {
  let time = 1e6
  return {
    now() {
      time += 0.00005
      return Math.floor(time / stepMs) * stepMs
    },
    pass: (ms) => void (time += ms),
    subject(name, costMs, more = {}) {
      let runs = 0
      return { name, run: () => void (time += costMs(runs++, time)), runs: () => runs, ...more }
    },
  }
}

export interface NoiseModel {
  /** Correlation of neighbouring executions. */
  readonly phi: number
  /** Relative standard deviation. */
  readonly deviation: number
  /** Share of executions that take 1.5 to 3.5 times as long. */
  readonly spikes: number
}

/** Factors with median close to 1: exp of an AR(1) process, with spikes on top. */
export function noise(seed: number, { phi, deviation, spikes }: NoiseModel): () => number {
  const random = rng(seed, 'noise')
  let state = random.normal()
  return () => {
    state = phi * state + Math.sqrt(1 - phi * phi) * random.normal()
    const spike = random.uniform() < spikes ? 1.5 + 2 * random.uniform() : 1
    return Math.exp(deviation * state) * spike
  }
}

/** The median of the noise, from a long series. */
export function noiseMedian(model: NoiseModel): number {
  const factor = noise(-1, model)
  const values = Float64Array.from({ length: 200_001 }, factor).sort()
  return values[100_000]!
}
