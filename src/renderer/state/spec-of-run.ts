import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { printPattern } from '#core/model/text.ts'
import type { RunRow } from '#main/api/workbench/events.ts'

const parsed = new WeakMap<object, ArchSpec | null>()

/** The stack of a run's configuration, checked once; undefined where a stored one cannot be read. */
export function specOfRun(run: RunRow): ArchSpec | undefined {
  let spec = parsed.get(run.config)
  if (spec === undefined) {
    try {
      spec = parseSpec(run.config['spec'])
      resolveSpec(spec)
    } catch {
      // a project from elsewhere may hold anything: the run is shown without its stack
      spec = null
    }
    parsed.set(run.config, spec)
  }
  return spec ?? undefined
}

/** Width and blocks in the text form: `128 (d f)x3`. */
export function patternOf(spec: ArchSpec): string {
  return `${spec.model.dModel ?? ''} ${printPattern(spec.blocks)}`.trim()
}

/** What a run is called where it has no name. */
export const runTitle = (run: RunRow): string => (run.name === '' ? `run ${run.id}` : run.name)
