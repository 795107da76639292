// Steps of one kernel that do not wait for each other become one launch: an optimiser does the same small work on a hundred
// weights, and a launch costs more than many of them.

import { tabled } from '../../kernels/writer.ts'
import type { Buffer } from '../job.ts'
import { isAgain } from '../rewrites/recompute.ts'
import type { Step } from '../schedule.ts'
import { STORED_BYTES } from '../values.ts'

/** What is written to the arena by a step that is moved far: what is larger would stay in memory for long. */
const MAX_WRITTEN_BYTES = 1 << 24
/** The same for what a step that waits for others reads and writes. */
const MAX_WAITING_BYTES = 1 << 23
/** Steps that a large one may be moved by. */
const NEAR = 8
/** Launches in one: the third axis of a grid goes to 65,535. */
const MAX_TOGETHER = 4096

interface Place {
  readonly members: Step[]
}

/** One launch for steps of one kernel: they run with the first of them that can, and small ones with the last. */
export function mergeAlike(steps: readonly Step[]): readonly Step[] {
  const early = merged(steps, (step, distance) => distance <= NEAR || arenaBytes(step.writes) <= MAX_WRITTEN_BYTES)
  // what holds of two steps in order holds of them in reverse: neither may touch what the other writes
  const late = merged([...early].reverse(), (step) => arenaBytes([...step.reads, ...step.writes]) <= MAX_WAITING_BYTES)
  return [...late].reverse()
}

const arenaBytes = (buffers: readonly Buffer[]): number =>
  buffers.reduce((sum, { home, size, stored }) => sum + (home === 'arena' ? size * STORED_BYTES[stored] : 0), 0)

/** Moves steps to the first one of their kernel in a list, where nothing that they touch is written in between. */
function merged(steps: readonly Step[], mayMove: (step: Step, distance: number) => boolean): readonly Step[] {
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
    const isFree = found !== undefined && found > after && places[found]!.members.length < MAX_TOGETHER
    let at = places.length
    if (isFree && mayMove(step, at - found)) {
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
function mergeKey({ action, isOnce, scope }: Step): string | undefined {
  // what is computed again is computed late
  if (isAgain(scope)) return undefined
  if (action.kind !== 'kernel' || isOnce || action.launch.grid.length !== 2 || action.launch.shared !== undefined)
    return undefined
  return action.launch.kernel.name
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
