import { client } from '../../client.ts'
import { TRIALS_TYPE, trialRows } from './trials.ts'
import { cellView, NOTHING, numbersOf } from './view.ts'

interface Content {
  readonly plan: string
  readonly options: Readonly<Record<string, unknown>>
  readonly data?: string
  readonly tokenizer: string
}
interface Result {
  readonly study: number
}

export const study = cellView<Content, Result>({
  async run({ plan, options, data, tokenizer }, context) {
    const job = await context.once('job', () =>
      client.studies.run({
        kind: plan,
        params: options,
        tokenizer,
        ...(data !== undefined && { data }),
      }),
    )
    const ended = await context.follow(job)
    return { study: ended.subject.study! }
  },
  async output(_, result) {
    const [id] = numbersOf(result, 'study')
    if (id === undefined) return NOTHING
    const { header, rows } = await client.studies.summary({ study: id })
    const table = { name: 'Perplexity / bits per byte on held-out documents', columns: header, rows, isCut: false }
    return { ...NOTHING, tables: [table] }
  },
  rows: (_, result) => trialRows(result),
  type: TRIALS_TYPE,
})
