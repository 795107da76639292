// Stacks that can be measured: the program's presets, the project's designs, and its history.

import { parseSpec, resolveSpec } from '#core/model/spec.ts'
import type { ArchSpec } from '#core/model/spec.ts'
import { client } from '../../../client.ts'
import { mixerStacks } from '../examples.ts'

export interface Choice {
  readonly key: string
  readonly group: 'Designs' | 'Examples' | 'Presets' | 'History'
  readonly name: string
  readonly spec: ArchSpec
}

/** Most stacks of the history that are listed at once; a search finds the others. */
const MOST_OF_HISTORY = 60

function readable(json: unknown): ArchSpec | undefined {
  try {
    const spec = parseSpec(json)
    resolveSpec(spec)
    return spec
  } catch {
    // what cannot be read cannot be measured; it stays where it is
    return undefined
  }
}

export class Choices {
  list = $state.raw<readonly Choice[]>([])

  /** Reads what there is; `query` is a part of a name or of the text form. */
  async read(query: string): Promise<void> {
    const [designs, presets, history] = await Promise.all([
      client.documents.list({ kind: 'design' }),
      client.stacks.presets(),
      client.stacks.list({ limit: MOST_OF_HISTORY, ...(query !== '' && { like: query }) }),
    ])
    const choice = (group: Choice['group'], key: string, name: string, json: unknown): Choice[] => {
      const spec = readable(json)
      return spec === undefined ? [] : [{ key: `${group} ${key}`, group, name, spec }]
    }
    const has = (text: string): boolean => text.toLowerCase().includes(query.toLowerCase())
    this.list = [
      ...designs.flatMap(({ id, name, body }) => (has(name) ? choice('Designs', String(id), name, body['spec']) : [])),
      ...mixerStacks().flatMap((spec) => (has(spec.name!) ? choice('Examples', spec.name!, spec.name!, spec) : [])),
      ...presets.flatMap(({ id, title, spec }) => (has(title) ? choice('Presets', id, title, spec) : [])),
      ...history.flatMap(({ hash, name, text, json }) => choice('History', hash, name === '' ? text : name, json)),
    ]
  }
}
