import { makeSpace, parseGoal, proposeTrial, searcherOf } from '#core/search/index.ts'
import { finished, measure, predictLatency } from './landscape.ts'
import { membersOf } from '#core/search/study/population.ts'
import { leadingFronts } from '#core/search/study/elite.ts'
import { violation } from '#core/search/study/objectives.ts'
const space = makeSpace({ dModels: [512,768,1024,1280,1536,1792,2048], widthTargetMs: 4 }, predictLatency)
const goal = parseGoal({ objectives: ['valLoss', 'tpotMs'], constraints: [{ metric: 'tpotMs', max: 4 }] })
const study = { searcher: searcherOf('nsga2'), params: {}, space, goal, seed: 1, parallel: 1 }
const rows: any[] = []
for (let number = 0; number < 10000; number++) {
  const { spec, ...p } = proposeTrial(number < 9000 ? { ...study, searcher: searcherOf('random') } : study, rows, number)!
  rows.push(finished({ number, ...p }, measure(spec, number)))
}
const cpu = (name: string, f: (i: number) => void) => { for (let i = 0; i < 100; i++) f(i); const c = process.cpuUsage(), t = performance.now(); for (let i = 0; i < 200; i++) f(i); const d = process.cpuUsage(c); console.log(name, 'wall', ((performance.now() - t) / 200).toFixed(2), 'cpu', ((d.user + d.system) / 200e3).toFixed(2)) }
cpu('members', () => { membersOf(rows, goal) })
const m = membersOf(rows, goal)
cpu('violation', () => { m.filter((x) => violation(goal.constraints, x.trial.metrics) === 0) })
const f = m.filter((x) => violation(goal.constraints, x.trial.metrics) === 0).map((x) => x.costs)
console.log(f.length, leadingFronts(f, 32).map((x) => x.length))
cpu('fronts', () => { leadingFronts(f, 32) })
cpu('propose', (i) => { proposeTrial({ ...study, seed: i }, rows, 10000) })
(globalThis as any).dbg = 1; leadingFronts(f, 32); (globalThis as any).dbg = 0
cpu('propose AE', (i) => { proposeTrial({ ...study, seed: i, searcher: searcherOf('aging-evolution') }, rows, 10000) })
