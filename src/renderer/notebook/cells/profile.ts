import { hashSpec, resolveSpec } from '#core/model/spec.ts'
import { barsScene } from '#core/plots/profile/bars.ts'
import { crossoverScene } from '#core/plots/profile/crossover.ts'
import { glyphOf } from '#core/plots/strip.ts'
import { client } from '../../client.ts'
import { toCsv } from '../../views/search/board/numbers.ts'
import { project } from '../../state/project.svelte.ts'
import { colorOfStack } from './color.ts'
import { cellView, NOTHING, numbersOf } from './view.ts'
import type { CellContext, Figure, OutputTable } from './view.ts'

interface Content {
  readonly stacks: readonly string[]
  readonly contexts: readonly number[]
  readonly options: Readonly<Record<string, unknown>>
  readonly target: string
}
interface Result {
  readonly measurements: readonly number[]
}
type Row = Awaited<ReturnType<typeof client.profile.measurements>>[number] & { readonly stack: string }

const PHASES = ['prefill', 'decode'] as const
type Phase = (typeof PHASES)[number]
const unitOf = (phase: string): string => (phase === 'decode' ? 'ms/token' : 'ms')

/** The rows of a result with the ids of their stacks. */
async function rowsOf({ stacks }: Content, result: Result | undefined, context: CellContext): Promise<Row[]> {
  const ids = new Set(numbersOf(result, 'measurements'))
  const byHash = new Map(stacks.map((id) => [hashSpec(context.spec(id)), id]))
  const rows = (await client.profile.measurements({})).filter((row) => ids.has(row.id))
  return rows.map((row) => ({ ...row, stack: byHash.get(row.spec) ?? row.spec.slice(0, 8) }))
}

export const profile = cellView<Content, Result>({
  async run({ stacks, contexts, options, target }, context) {
    const specs = stacks.map((id) => ({ ...context.spec(id), name: id }))
    const hashes = new Set(specs.map(hashSpec))
    const before = await context.once('before', async () =>
      Math.max(0, ...(await client.profile.measurements({})).map((row) => row.id)),
    )
    const request = { specs, target, options: options as never }
    const job = await context.once('job', () =>
      contexts.length === 0 ? client.profile.start(request) : client.profile.contexts({ ...request, contexts }),
    )
    await context.follow(job)
    const rows = await client.profile.measurements({})
    return { measurements: rows.filter((row) => row.id > before && hashes.has(row.spec)).map((row) => row.id) }
  },
  async output(content, result, context) {
    const rows = await rowsOf(content, result, context)
    if (rows.length === 0) return NOTHING
    const phases = PHASES.filter((phase) => rows.some((row) => row.phase === phase))
    const looks = new Map(
      content.stacks.map((id) => {
        const resolved = resolveSpec(context.spec(id))
        return [id, { resolved, letter: resolved.blocks[0] === undefined ? '' : glyphOf(resolved.blocks[0]).letter }]
      }),
    )
    const figures = phases.map((phase): Figure => {
      const own = rows.filter((row) => row.phase === phase)
      const name = phase === 'decode' ? 'Decode latency' : 'Prefill latency'
      const csv = (): string =>
        toCsv(
          ['stack', 'context', `median ${unitOf(phase)}`, 'low', 'high'],
          own.map((row) => [row.stack, row.context, row.p50Ms, row.lowMs, row.highMs]),
        )
      if (new Set(own.map((row) => row.context)).size === 1)
        return {
          name,
          height: 52 + 22 * own.length,
          csv,
          scene: (width, _, theme) =>
            barsScene(
              own.map((row) => ({
                key: String(row.id),
                name: row.stack,
                value: row.p50Ms,
                low: row.lowMs,
                high: row.highMs,
                color: colorOf(looks.get(row.stack)?.resolved, theme.side, theme.ink),
              })),
              { width, theme, label: `${name}, ${unitOf(phase)}`, unit: unitOf(phase) },
            ),
        }
      return {
        name,
        height: 320,
        csv,
        scene: (width, height, theme) =>
          crossoverScene(
            [...Map.groupBy(own, (row) => row.stack)].map(([stack, list]) => ({
              key: stack,
              name: stack,
              letter: looks.get(stack)?.letter ?? '',
              color: colorOf(looks.get(stack)?.resolved, theme.side, theme.ink),
              points: list.map((row) => ({
                context: row.context,
                latencyMs: row.p50Ms,
                low: row.lowMs,
                high: row.highMs,
              })),
            })),
            { width, height, theme, yLabel: `${name}, ${unitOf(phase)}` },
          ),
      }
    })
    const table = { name: 'Latencies, medians with 95 % intervals', ...tableOf(rows, phases), isCut: false }
    return { ...NOTHING, figures, tables: [table] }
  },
  async rows(content, result, context) {
    return (await rowsOf(content, result, context)).map((row) => ({
      stack: row.stack,
      phase: row.phase,
      context: row.context,
      batch: row.batch,
      p50Ms: row.p50Ms,
      lowMs: row.lowMs,
      highMs: row.highMs,
      p95Ms: row.p95Ms,
      target: row.target,
      where: project.placeOf(row.environment),
    }))
  },
  type: "readonly { readonly stack: string; readonly phase: 'prefill' | 'decode'; readonly context: number; readonly batch: number; readonly p50Ms: number; readonly lowMs: number; readonly highMs: number; readonly p95Ms: number; readonly target: string; readonly where: string }[]",
})

/** One row a stack where each phase was measured at one context: such columns compare. One row a measurement otherwise. */
function tableOf(rows: readonly Row[], phases: readonly Phase[]): Pick<OutputTable, 'columns' | 'rows'> {
  const where = (row: Row): string => project.placeOf(row.environment)
  const contextsOf = (phase: Phase): readonly number[] => [
    ...new Set(rows.filter((row) => row.phase === phase).map((row) => row.context)),
  ]
  if (phases.some((phase) => contextsOf(phase).length > 1))
    return {
      columns: ['stack', 'phase', 'context', 'median, ms', 'low', 'high', 'where'],
      rows: rows.map((row) => [row.stack, row.phase, row.context, row.p50Ms, row.lowMs, row.highMs, where(row)]),
    }
  return {
    columns: ['stack', ...phases.flatMap((phase) => [`${phase} latency, ${unitOf(phase)}`, 'low', 'high']), 'where'],
    rows: [...Map.groupBy(rows, (row) => row.stack)].map(([stack, own]) => [
      stack,
      ...phases.flatMap((phase) => {
        const row = own.find((one) => one.phase === phase)
        return row === undefined ? [null, null, null] : [row.p50Ms, row.lowMs, row.highMs]
      }),
      where(own[0]!),
    ]),
  }
}

const colorOf = (
  resolved: Parameters<typeof colorOfStack>[0] | undefined,
  side: 'light' | 'dark',
  otherwise: string,
): string => (resolved === undefined ? otherwise : colorOfStack(resolved, side))
