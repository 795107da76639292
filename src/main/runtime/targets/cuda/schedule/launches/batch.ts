// Products of one shape in one block (queries, keys and values of one input; gate and up) become one batch: a device is full
// with the tiles of three where those of one leave it half empty at the end. Their operands are laid side by side in memory.

import type { Buffer } from '../job.ts'
import type { BufferPlace, Step } from '../schedule.ts'
import { bufferBytes } from '../memory.ts'
import { STORED_BYTES } from '../values.ts'

/** Buffers of one size that lie one behind the other. */
export type Pack = readonly Buffer[]

export interface Batched {
  readonly steps: readonly Step[]
  readonly packs: readonly Pack[]
}

type Product = Step & { readonly action: Extract<Step['action'], { kind: 'matmul' }> }
type Operand = 'a' | 'b' | 'c'
const OPERANDS = ['a', 'b', 'c'] as const

/**
 * @param packs buffers that lie one behind the other already
 * @param isFixed buffers that have a place of their own
 */
export function batchAlike(
  steps: readonly Step[],
  packs: readonly Pack[],
  isFixed: (buffer: Buffer) => boolean,
): Batched {
  const batching = new Batching(steps, packs, isFixed)
  // forward, by the input; its gradients, by the weights that lie side by side then; the weights' gradients, by the input
  batching.joinBy(({ action }) => `a${action.a.buffer.id}`)
  batching.joinBy(({ action }) => batching.packKey(action.b.buffer))
  batching.joinBy(({ action }) => `b${action.b.buffer.id}`)
  return batching
}

const isProduct = (step: Step): step is Product => step.action.kind === 'matmul'
const byPlace = ({ action: x }: Product, { action: y }: Product): number =>
  x.a.offset - y.a.offset || x.b.offset - y.b.offset

/** Elements from one member's operand to the next one's, where all lie in one buffer at even distances: 0 where they are one. */
function spacing(members: readonly Product[], operand: Operand): number | undefined {
  const places = members.map(({ action }) => action[operand])
  const step = places[1]!.offset - places[0]!.offset
  const isEven = places.every(
    ({ buffer, offset }, i) => buffer === places[0]!.buffer && offset === places[0]!.offset + i * step,
  )
  return isEven && step >= 0 ? step : undefined
}

const touches = (step: Step, buffers: readonly Buffer[]): boolean =>
  buffers.some((buffer) => step.reads.includes(buffer) || step.writes.includes(buffer))
/** Whether one of two steps needs to come before the other. */
const depend = (a: Step, b: Step): boolean => touches(a, b.writes) || touches(b, a.writes)

class Batching implements Batched {
  steps: readonly Step[]
  readonly packs: Pack[]
  readonly #isFixed: (buffer: Buffer) => boolean
  readonly #packOf = new Map<Buffer, Pack>()

  constructor(steps: readonly Step[], packs: readonly Pack[], isFixed: (buffer: Buffer) => boolean) {
    this.steps = steps
    this.packs = [...packs]
    this.#isFixed = isFixed
    for (const pack of packs) for (const buffer of pack) this.#packOf.set(buffer, pack)
  }

  /** What the buffers of one pack have in common. */
  packKey(buffer: Buffer): string | undefined {
    const pack = this.#packOf.get(buffer)
    return pack === undefined ? undefined : `pack ${this.packs.indexOf(pack)}`
  }

  /** Makes batches of products of one shape and place in the model that share a key. */
  joinBy(key: (step: Product) => string | undefined): void {
    const groups = new Map<string, Product[]>()
    for (const step of this.steps) {
      if (!isProduct(step) || step.action.shape.batch !== 1 || step.isOnce) continue
      const shared = key(step)
      if (shared === undefined) continue
      const whole = `${shared} ${step.scope} ${JSON.stringify(step.action.shape)}`
      groups.set(whole, [...(groups.get(whole) ?? []), step])
    }
    for (const group of groups.values()) if (group.length > 1) this.#join(group)
  }

  #join(group: readonly Product[]): void {
    const members = this.#ordered([...group].sort(byPlace))
    const place = members === undefined ? undefined : this.#meeting(members)
    if (members === undefined || place === undefined) return
    const { shape } = members[0]!.action
    const sizes = { a: shape.m * shape.k, b: shape.k * shape.n, c: shape.m * shape.n }
    const lists = OPERANDS.map((operand) => {
      const step = operand === 'c' ? undefined : spacing(members, operand)
      if (step !== undefined) return step
      const list = members.map(({ action }) => action[operand].buffer)
      const mayMove = members.every(({ action }) => this.#mayMove(action[operand], sizes[operand]))
      return mayMove && this.#fits(list) ? list : undefined
    })
    if (lists.includes(undefined)) return
    for (const list of lists) if (Array.isArray(list)) this.#pack(list)
    const [a, b, c] = OPERANDS.map((operand, i) => ({
      ...shape[operand],
      stride: typeof lists[i] === 'number' ? lists[i] : sizes[operand],
    })) as [typeof shape.a, typeof shape.b, typeof shape.c]
    const first = members[0]!
    const batch: Step = {
      ...first,
      action: { ...first.action, shape: { ...shape, batch: members.length, a, b, c } },
      reads: members.flatMap((member) => member.reads),
      writes: members.flatMap((member) => member.writes),
      label: `${members.length} x ${first.label}`,
    }
    this.steps = this.steps.flatMap((step) => {
      if (step === place) return [batch]
      return (members as readonly Step[]).includes(step) ? [] : [step]
    })
  }

  /** The member at whose turn all can run. */
  #meeting(members: readonly Product[]): Product | undefined {
    const others = new Set<Step>(members)
    const turn = (step: Step): number => this.steps.indexOf(step)
    return members.find((place) =>
      members.every((member) => {
        const [from, to] = [Math.min(turn(member), turn(place)), Math.max(turn(member), turn(place))]
        return this.steps.slice(from, to + 1).every((step) => others.has(step) || !depend(step, member))
      }),
    )
  }

  /** Members in the order of what lies side by side already; undefined where that is not all of it. */
  #ordered(group: readonly Product[]): readonly Product[] | undefined {
    for (const operand of OPERANDS) {
      const pack = this.#packOf.get(group[0]!.action[operand].buffer)
      if (pack === undefined) continue
      const places = group.map(({ action }) => pack.indexOf(action[operand].buffer))
      if (spacing(group, operand) !== undefined) continue
      if (places.includes(-1) || new Set(places).size !== pack.length) return undefined
      return pack.map((_, i) => group[places.indexOf(i)]!)
    }
    return group
  }

  #mayMove({ buffer, offset }: BufferPlace, size: number): boolean {
    const isWhole = offset === 0 && buffer.size === size && bufferBytes(buffer) === size * STORED_BYTES[buffer.stored]
    return isWhole && buffer.home === 'arena' && !this.#isFixed(buffer)
  }

  /** Whether buffers lie in this order already, or may. */
  #fits(list: readonly Buffer[]): boolean {
    const pack = this.#packOf.get(list[0]!)
    if (pack !== undefined) return pack.length === list.length && pack.every((buffer, i) => buffer === list[i])
    return new Set(list).size === list.length && list.every((buffer) => !this.#packOf.has(buffer))
  }

  #pack(list: readonly Buffer[]): void {
    if (this.#packOf.has(list[0]!)) return
    this.packs.push(list)
    for (const buffer of list) this.#packOf.set(buffer, list)
  }
}
