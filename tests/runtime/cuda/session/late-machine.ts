// A Machine that does nothing until somebody waits for it, as a GPU may: copies of pinned memory see what is in it then.

import type { Machine, Replay } from '#main/runtime/targets/cuda/driver/machine.ts'
import { cpuMachine } from '../cpu-machine.ts'

export interface LateMachine extends Machine {
  /** The most runs that were asked for before the first of them had ended. */
  readonly mostUnderWay: () => number
}

export function lateMachine(): LateMachine {
  const machine = cpuMachine()
  const queue: (() => void)[] = []
  const pinned = new Set<ArrayBufferLike>()
  let done = 0
  let underWay = 0
  let most = 0
  const asked = (): number => done + queue.length
  const reach = (place: number): void => {
    for (; done < place; done++) queue.shift()!()
  }
  const late = (replay: Replay): Replay => ({
    ...replay,
    start: () => {
      most = Math.max(most, ++underWay)
      queue.push(() => {
        underWay--
        replay.start()
      })
    },
  })
  return {
    ...machine,
    mostUnderWay: () => most,
    release: (address) => {
      reach(asked())
      machine.release(address)
    },
    upload: (address, data) => {
      const { buffer, byteOffset, byteLength } = data
      const source = pinned.has(buffer) ? data : new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength))
      queue.push(() => machine.upload(address, source))
    },
    download: (address, into) => {
      reach(asked())
      machine.download(address, into)
    },
    clear: (address, bytes) => void queue.push(() => machine.clear(address, bytes)),
    pin: (memory) => {
      pinned.add(memory.buffer)
      return () => void pinned.delete(memory.buffer)
    },
    fetch: (address, into) => {
      if (!pinned.has(into.buffer)) throw new Error('a copy into memory that is not pinned would wait')
      queue.push(() => machine.fetch(address, into))
    },
    point: () => {
      let place = 0
      return {
        set: () => void (place = asked()),
        finish: async () => {
          await new Promise((resolve) => setImmediate(resolve))
          reach(place)
        },
        finishSync: () => reach(place),
        release: () => undefined,
      }
    },
    prepare: async (kernels, commands, options) => {
      const { prepared, ...replay } = await machine.prepare(kernels, commands, options)
      return { ...late(replay), prepared }
    },
    finish: () => Promise.resolve(reach(asked())),
    finishSync: () => reach(asked()),
  }
}
