// Host memory that the device reads and writes by itself. A run has a slot: its feeds lie there until they are copied, and small
// results come back there, so that the next batch is made ready and its run asked for while one is under way.

import type { HostArray } from '../target.ts'
import { addressOf } from './driver/native.ts'
import type { Machine, Point } from './driver/machine.ts'
import type { Buffer } from './schedule/job.ts'
import { bufferBytes } from './schedule/memory.ts'

/** Runs that may be under way at once. */
export const SLOTS = 2
/** Results of at most this size come back with their run; what is larger is copied when it is read. */
export const SMALL_BYTES = 1024
const PAGE = 4096

/** Device memory in which buffers lie one behind the other. */
export interface Block {
  readonly address: bigint
  readonly bytes: number
  readonly offsets: ReadonlyMap<Buffer, number>
}

/** Places for buffers, given the way to get memory for all of them. */
export function blockOf(buffers: readonly Buffer[], allocate: (bytes: number) => bigint): Block {
  const offsets = new Map<Buffer, number>()
  let bytes = 0
  for (const buffer of buffers) {
    offsets.set(buffer, bytes)
    bytes += bufferBytes(buffer)
  }
  return { address: bytes === 0 ? 0n : allocate(bytes), bytes, offsets }
}

export interface Slot {
  readonly feeds: Uint8Array
  readonly results: Uint8Array
  readonly end: Point
  /** Whether somebody still wants the results of its run. */
  isWanted: boolean
}

export class Slots {
  readonly #machine: Machine
  readonly #feeds: Block
  readonly #results: Block
  readonly #slots: readonly Slot[]
  readonly #unpin: () => void
  #taken = 0
  /** The slot with the feeds that the device has. */
  #current: Slot | undefined

  constructor(machine: Machine, feeds: Block, results: Block) {
    this.#machine = machine
    this.#feeds = feeds
    this.#results = results
    const slotBytes = feeds.bytes + results.bytes
    const memory = wholePages(SLOTS * slotBytes)
    this.#unpin = machine.pin(memory)
    this.#slots = Array.from({ length: SLOTS }, (_, i) => {
      const at = i * slotBytes
      return {
        feeds: memory.subarray(at, at + feeds.bytes),
        results: memory.subarray(at + feeds.bytes, at + slotBytes),
        end: machine.point(),
        isWanted: false,
      }
    })
  }

  /**
   * A run: takes feeds, those that are left out as they were, and what `launch` starts. Waits for the run that had the slot.
   * @param isWanted whether small results are to be had from the slot; who wants them says when they are read
   */
  start(feeds: Readonly<Record<string, HostArray>>, launch: () => void, isWanted: boolean): Slot {
    const slot = this.#slots[this.#taken % SLOTS]!
    if (slot.isWanted) throw new Error(`${SLOTS} runs are under way: await one of them`)
    slot.end.finishSync()
    this.#fill(slot, feeds)
    this.#taken++
    launch()
    if (isWanted && this.#results.bytes > 0) this.#machine.fetch(this.#results.address, slot.results)
    slot.isWanted = isWanted
    slot.end.set()
    return slot
  }

  /** A small result of the run of a slot, or undefined for one that is not small. */
  result(slot: Slot, buffer: Buffer): HostArray | undefined {
    const offset = this.#results.offsets.get(buffer)
    if (offset === undefined) return undefined
    const data = newArray(buffer)
    new Uint8Array(data.buffer).set(slot.results.subarray(offset, offset + data.byteLength))
    return data
  }

  release(): void {
    this.#unpin()
    for (const { end } of this.#slots) end.release()
  }

  #fill(slot: Slot, feeds: Readonly<Record<string, HostArray>>): void {
    const given = [...this.#feeds.offsets].filter(([{ name }]) => feeds[name] !== undefined)
    if (given.length === 0) return
    // checked first, so that a run which is refused changes nothing
    const parts = given.map(([buffer, offset]) => ({ offset, data: checked(buffer, feeds[buffer.name]!) }))
    if (this.#current !== undefined && this.#current !== slot) slot.feeds.set(this.#current.feeds)
    for (const { offset, data } of parts)
      slot.feeds.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    this.#machine.upload(this.#feeds.address, slot.feeds)
    this.#current = slot
  }
}

export const newArray = (buffer: Buffer): HostArray =>
  buffer.stored === 'f32' ? new Float32Array(buffer.size) : new Int32Array(buffer.size)

function checked(buffer: Buffer, data: HostArray): HostArray {
  if (data.length !== buffer.size)
    throw new Error(`input ${buffer.name} takes ${buffer.size} elements, got ${data.length}`)
  const isRight = buffer.stored === 'f32' ? data instanceof Float32Array : data instanceof Int32Array
  if (!isRight) throw new Error(`input ${buffer.name} takes ${buffer.stored} elements, got ${data.constructor.name}`)
  return data
}

/** Memory that shares no page with any other, since pages are what is pinned. */
function wholePages(bytes: number): Uint8Array {
  const whole = Math.ceil(bytes / PAGE) * PAGE
  const memory = new Uint8Array(whole + PAGE)
  const skipped = (PAGE - Number(addressOf(memory) % BigInt(PAGE))) % PAGE
  return memory.subarray(skipped, skipped + whole)
}
