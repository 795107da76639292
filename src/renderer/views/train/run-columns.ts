import { resolveSpec } from '#core/model/spec.ts'
import type { RunRow } from '#main/api/workbench/events.ts'
import { patternOf, runTitle, specOfRun } from '../../state/spec-of-run.ts'
import type { Column } from '../../ui/table/column.ts'

/** The run's training settings. */
export const settingsOf = (run: RunRow): Readonly<Record<string, unknown>> =>
  typeof run.config['run'] === 'object' && run.config['run'] !== null
    ? (run.config['run'] as Readonly<Record<string, unknown>>)
    : {}

/** Whether matrices are kept at unit norm, and how many meta tokens stand in front. */
function switchesOf(run: RunRow): string {
  const optimiser = run.config['optimiser'] as Readonly<Record<string, unknown>> | undefined
  const spec = specOfRun(run)
  const metaTokens = spec === undefined ? 0 : resolveSpec(spec).settings.metaTokens
  return [optimiser?.['weightNorm'] === true && 'weight norm', metaTokens > 0 && `${metaTokens} meta tokens`]
    .filter(Boolean)
    .join(', ')
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** Columns of the list of runs. */
export const RUN_COLUMNS: readonly Column<RunRow>[] = [
  { key: 'id', title: '#', width: 44, align: 'right', value: (run) => run.id },
  { key: 'name', title: 'Name', width: 150, value: runTitle },
  { key: 'state', title: 'State', width: 78, value: (run) => run.state },
  { key: 'steps', title: 'Steps', width: 64, align: 'right', value: (run) => numberOf(settingsOf(run)['steps']) },
  { key: 'seed', title: 'Seed', width: 52, align: 'right', value: (run) => run.seed },
  {
    key: 'depth',
    title: 'Blocks',
    width: 60,
    align: 'right',
    value: (run) => {
      const spec = specOfRun(run)
      return spec === undefined ? null : resolveSpec(spec).blocks.length
    },
  },
  {
    key: 'stack',
    title: 'Stack',
    width: 220,
    value: (run) => {
      const spec = specOfRun(run)
      return spec === undefined ? 'cannot be read' : patternOf(spec)
    },
  },
  { key: 'switches', title: 'Switches', width: 170, value: switchesOf },
]
