// How well and how fast searchers search, on the analytic landscape of tests/helpers/landscape.ts:
// `node tests/bench/search-bench.ts [--json] [--seeds 20] [--budget 400] [--blocks 12] [--history 10000]`.
// Evolution against random search at equal budget (distance to the optimum, which is found by enumeration), NSGA-II by the
// hypervolume that it reaches of the attainable one, and the time of a proposal on a long history.

import { parseArgs } from 'node:util'
import { rng } from '#core/rng.ts'
import { agingEvolution } from '#core/search/aging-evolution.ts'
import { makeSpace, parseGoal, proposeTrial } from '#core/search/index.ts'
import { nsga2 } from '#core/search/nsga2.ts'
import { randomSearch } from '#core/search/random-search.ts'
import type { Searcher, StudyPlan } from '#core/search/searcher.ts'
import { metricValue, objectiveValues } from '#core/search/study/objectives.ts'
import type { Trial } from '#core/search/study/trial.ts'
import { compareSamples } from '#core/stats/compare.ts'
import { hypervolume, referencePoint } from '#core/stats/hypervolume.ts'
import { paretoFront } from '#core/stats/pareto.ts'
import {
  bestSoFar,
  enumerateStrict,
  findOptimum,
  finished,
  latencyOf,
  lossOf,
  measure,
  predictLatency,
  simulate,
} from '../helpers/landscape.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '20' },
    budget: { type: 'string', default: '400' },
    blocks: { type: 'string', default: '12' },
    history: { type: 'string', default: '10000' },
  },
})
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed)
const budget = Number(values.budget)
const maxBlocks = Number(values.blocks)
const TARGET_MS = 2.5
const WIDTHS = [512, 768, 1024, 1280, 1536, 1792, 2048]
const results: Record<string, unknown> = {}

function report(name: string, value: unknown): void {
  results[name] = value
  if (!values.json) console.log(name.padEnd(44), typeof value === 'string' ? value : JSON.stringify(value))
}

function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const low = sorted[Math.floor(at)]!
  return low + (sorted[Math.ceil(at)]! - low) * (at % 1)
}

/** Median, quartiles and ends of values. */
function spread(list: readonly number[], digits = 4): Record<string, number> {
  const sorted = [...list].sort((a, b) => a - b)
  const round = (x: number): number => Number(x.toFixed(digits))
  return {
    min: round(sorted[0]!),
    q1: round(quantile(sorted, 0.25)),
    median: round(quantile(sorted, 0.5)),
    q3: round(quantile(sorted, 0.75)),
    max: round(sorted.at(-1)!),
  }
}

const interval = ({ estimate, low, high }: { estimate: number; low: number; high: number }): string =>
  `${estimate.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`

function evolutionAgainstRandom(): void {
  const space = makeSpace({ maxBlocks, dModels: WIDTHS, widthTargetMs: TARGET_MS }, predictLatency)
  const goal = parseGoal({ objectives: ['valLoss'], constraints: [{ metric: 'tpotMs', max: TARGET_MS }] })
  const optimum = findOptimum(maxBlocks, WIDTHS, TARGET_MS)
  report('genomes', optimum.count)
  report(
    'optimum',
    `${optimum.codes.map((code) => ['a', 'm2', 'd', 'f'][code]).join(' ')} at ${optimum.dModel}, loss ${optimum.loss.toFixed(4)}`,
  )
  for (const noise of [0, 0.01]) {
    const gaps = [agingEvolution, randomSearch].map((searcher) => {
      const ends = seeds.map((seed) => {
        const rows = simulate({ searcher, params: {}, space, goal, seed, parallel: 1 }, budget, noise)
        // judged without noise: the loss of the trial that the search would hand over
        const best = rows.reduce((a, b) =>
          metricValue(b.metrics, 'valLoss') < metricValue(a.metrics, 'valLoss') ? b : a,
        )
        const exact = measure(
          { heddle: 1, model: { dModel: best.genome.dModel }, blocks: space.encoding.items(best.genome) },
          0,
        )
        return metricValue(exact, 'valLoss') - optimum.loss
      })
      report(`${searcher.kind}, noise ${noise}: loss above optimum`, spread(ends))
      report(
        `${searcher.kind}, noise ${noise}: seeds at the optimum`,
        `${ends.filter((gap) => gap < 1e-9).length} of ${seeds.length}; within 1 %: ${ends.filter((gap) => gap < 0.01 * optimum.loss).length}`,
      )
      return ends
    })
    const { superiority, difference, pValue } = compareSamples(gaps[0]!, gaps[1]!, { rng: rng('bench'), paired: false })
    report(`noise ${noise}: probability that evolution is better`, interval(superiority))
    report(`noise ${noise}: difference of medians`, `${interval(difference)}, p ${pValue.toFixed(4)}`)
  }
  const long = seeds.map(
    (seed) =>
      bestSoFar(
        simulate(
          {
            searcher: agingEvolution,
            params: { populationSize: 64, tournamentSize: 8 },
            space,
            goal,
            seed,
            parallel: 1,
          },
          5 * budget,
        ),
        TARGET_MS,
      ).at(-1)! - optimum.loss,
  )
  report(`aging-evolution, P 64, ${5 * budget} trials`, spread(long))
  report(`aging-evolution, P 64: seeds at the optimum`, `${long.filter((gap) => gap < 1e-9).length} of ${seeds.length}`)
}

function hypervolumes(): void {
  const space = makeSpace({ maxBlocks, dModels: WIDTHS })
  const goal = parseGoal({ objectives: ['valLoss', 'tpotMs'] })
  let front: number[][] = []
  let batch: number[][] = []
  const fold = (): void => {
    const points = [...front, ...batch]
    front = paretoFront(points).map((i) => points[i]!)
    batch = []
  }
  enumerateStrict(maxBlocks, (codes) => {
    for (const dModel of WIDTHS) batch.push([lossOf(codes, dModel), latencyOf(codes, dModel)])
    if (batch.length > 50_000) fold()
  })
  fold()
  const reference = referencePoint(front)
  const attainable = hypervolume(front, reference)
  report('members of the exact front', front.length)
  const shares = [nsga2, agingEvolution, randomSearch].map((searcher) => {
    const ends = seeds.map((seed) => {
      const rows = simulate({ searcher, params: {}, space, goal, seed, parallel: 1 }, budget)
      return (
        hypervolume(
          rows.map(({ metrics }) => objectiveValues(goal, metrics)),
          reference,
        ) / attainable
      )
    })
    report(`${searcher.kind}: share of the hypervolume`, spread(ends))
    return ends
  })
  const { superiority, pValue } = compareSamples(shares[0]!, shares[2]!, { rng: rng('bench'), direction: 'maximise' })
  report('probability that NSGA-II beats random search', `${interval(superiority)}, p ${pValue.toFixed(4)}`)
}

/** Milliseconds of proposals on histories of so many trials, one evaluator, the default space of 30 blocks. */
function proposalTimes(searcher: Searcher, encoding: string): void {
  const space = makeSpace({ encoding, dModels: WIDTHS, widthTargetMs: 4 }, predictLatency)
  const goal = parseGoal({ objectives: ['valLoss', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 4 }] })
  const study: StudyPlan = { searcher, params: {}, space, goal, seed: 1, parallel: 1 }
  const length = Number(values.history)
  const rows: Trial[] = []
  const times: number[] = []
  for (let number = 0; number < length + 300; number++) {
    const start = performance.now()
    // the start of the history is filled by the cheap searcher
    const { spec, ...proposal } = proposeTrial(
      number < length - 1000 ? { ...study, searcher: randomSearch } : study,
      rows,
      number,
    )!
    if (number >= length) times.push(performance.now() - start)
    rows.push(finished({ number, ...proposal }, measure(spec, number)))
  }
  const sorted = times.sort((a, b) => a - b)
  report(`${searcher.kind}, ${encoding}: ms at ${length} trials`, {
    median: Number(quantile(sorted, 0.5).toFixed(3)),
    p95: Number(quantile(sorted, 0.95).toFixed(3)),
    max: Number(sorted.at(-1)!.toFixed(3)),
  })
}

evolutionAgainstRandom()
hypervolumes()
for (const encoding of ['strict', 'free'])
  for (const searcher of [agingEvolution, nsga2, randomSearch]) proposalTimes(searcher, encoding)
if (values.json) console.log(JSON.stringify(results, null, 2))
