// Proposes trials in a process of its own: studies come on standard input as JSON, their proposals go out.

import { text } from 'node:stream/consumers'
import { makeSpace, parseGoal, proposeTrial, searcherOf } from '#core/search/index.ts'
import type { Trial } from '#core/search/index.ts'

interface Question {
  readonly kind: string
  readonly space: unknown
  readonly goal: unknown
  readonly seed: number
  readonly rows: readonly Trial[]
  readonly number: number
}

const questions = JSON.parse(await text(process.stdin)) as readonly Question[]
const answers = questions.map(({ kind, space, goal, seed, rows, number }) =>
  proposeTrial(
    { searcher: searcherOf(kind), params: {}, space: makeSpace(space), goal: parseGoal(goal), seed, parallel: 1 },
    rows,
    number,
  ),
)
process.stdout.write(JSON.stringify(answers))
