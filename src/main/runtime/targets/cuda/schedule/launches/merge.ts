// Steps of one kernel that do not wait for each other become one launch: an optimiser does the same small work on a hundred
// weights, and a launch costs more than many of them.

import { tabled } from '../../kernels/writer.ts'
import type { Buffer } from '../job.ts'
import { isAgain } from '../recompute.ts'
import type { Step } from '../schedule.ts'
import { STORED_BYTES } from '../values.ts'

/** Steps that write more than this are long enough by themselves, and moving them would keep their results in memory. */
const MAX_WRITTEN_BYTES = 1 << 24
/** Launches in one: the third axis of a grid goes to 65,535. */
const MAX_TOGETHER = 4096

interface Place {
  readonly members: Step[]
}

/** Moves steps forward to the first one of their kernel, where nothing that they need is computed in between. */
export function mergeAlike(steps: readonly Step[]): readonly Step[] {
  const places: Place[] = []
  const open = new Map<string, number>()
  const written = new Map<Buffer, number>()
  const read = new Map<Buffer, number>()
  for (const step of steps) {
    const key = mergeKey(step)
    const after = Math.max(
      ...step.reads.map((buffer) => written.get(buffer) ?? -1),
      ...step.writes.map((buffer) => Math.max(written.get(buffer) ?? -1, read.get(buffer) ?? -1)),
    )
    const found = key === undefined ? undefined : open.get(key)
    let at = places.length
    if (found !== undefined && found > after && places[found]!.members.length < MAX_TOGETHER) {
      at = found
      places[at]!.members.push(step)
    } else {
      places.push({ members: [step] })
      if (key !== undefined) open.set(key, at)
    }
    for (const buffer of step.reads) read.set(buffer, Math.max(at, read.get(buffer) ?? -1))
    for (const buffer of step.writes) written.set(buffer, at)
  }
  return places.map(({ members }) => (members.length === 1 ? members[0]! : together(members)))
}

/** What steps of one launch have in common; undefined for a step that stays by itself. */
function mergeKey({ action, writes, isOnce, scope }: Step): string | undefined {
  // what is computed again is computed late
  if (isAgain(scope)) return undefined
  if (action.kind !== 'kernel' || isOnce || action.launch.grid.length !== 2 || action.launch.shared !== undefined)
    return undefined
  const bytes = writes.reduce((sum, buffer) => sum + buffer.size * STORED_BYTES[buffer.stored], 0)
  return bytes > MAX_WRITTEN_BYTES ? undefined : action.launch.kernel.name
}

function together(members: readonly Step[]): Step {
  const first = members[0]!
  const launches = members.flatMap(({ action }) => (action.kind === 'kernel' ? [action.launch] : []))
  return {
    ...first,
    action: { kind: 'table', launch: tabled(launches[0]!, launches.length), rows: launches.map((l) => l.buffers) },
    reads: members.flatMap((step) => step.reads),
    writes: members.flatMap((step) => step.writes),
    label: `${members.length} x ${first.label}`,
  }
}
