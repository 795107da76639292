// A drag in progress: from the palette or of rows of the canvas. Escape and a lost pointer end it without a change.

import type { StackItem } from '#core/model/spec.ts'
import { DRAG_THRESHOLD } from './drag.ts'
import type { Path, Place } from './tree/path.ts'

/** What is dragged: new blocks, or rows with their paths. */
export interface Cargo {
  readonly items: readonly StackItem[]
  /** Undefined for blocks that come from outside. */
  readonly paths: readonly Path[] | undefined
}

/** Where a drag may end: the canvas. */
export interface DropTarget {
  /** The gap under the pointer, or undefined outside. */
  gapAt(x: number, y: number, cargo: Cargo): Place | undefined
  /** Scrolls while the pointer is near an edge. */
  scrollAt(x: number, y: number, elapsedMs: number): void
  drop(cargo: Cargo, place: Place, copy: boolean): void
}

export class Drag {
  cargo = $state.raw<Cargo | undefined>()
  x = $state(0)
  y = $state(0)
  /** Rows stay where they are and copies are dropped. */
  isCopy = $state(false)
  place = $state.raw<Place | undefined>()
  target: DropTarget | undefined
  #frame = 0
  #stop: (() => void) | undefined

  /**
   * Follows the pointer from a press on. It becomes a drag after a few pixels; until then `onclick` may still come at the
   * release.
   */
  press(event: PointerEvent, cargo: () => Cargo, onclick?: () => void): void {
    this.#stop?.()
    const { clientX, clientY, pointerId } = event
    const listeners = new AbortController()
    const options = { signal: listeners.signal, capture: true }
    const stop = (): void => {
      listeners.abort()
      cancelAnimationFrame(this.#frame)
      this.cargo = undefined
      this.place = undefined
      this.#stop = undefined
    }
    this.#stop = stop
    const follow = (e: PointerEvent): void => {
      this.x = e.clientX
      this.y = e.clientY
      this.isCopy = e.altKey || e.ctrlKey || e.metaKey
    }
    const move = (e: PointerEvent): void => {
      if (e.pointerId !== pointerId) return
      follow(e)
      if (this.cargo === undefined) {
        if (Math.hypot(e.clientX - clientX, e.clientY - clientY) < DRAG_THRESHOLD) return
        this.cargo = cargo()
        this.#scroll(performance.now())
      }
      this.place = this.target?.gapAt(e.clientX, e.clientY, this.cargo)
    }
    const up = (e: PointerEvent): void => {
      if (e.pointerId !== pointerId) return
      const { cargo: dragged, place, isCopy } = this
      stop()
      if (dragged === undefined) onclick?.()
      else if (place !== undefined) this.target?.drop(dragged, place, isCopy)
    }
    addEventListener('pointermove', move, options)
    addEventListener('pointerup', up, options)
    addEventListener('pointercancel', stop, options)
    addEventListener('blur', stop, options)
    addEventListener(
      'keydown',
      (e) => {
        if (e.key === 'Escape' && this.cargo !== undefined) {
          e.preventDefault()
          e.stopPropagation()
          stop()
        }
      },
      options,
    )
  }

  #scroll = (before: number): void => {
    this.#frame = requestAnimationFrame((now) => {
      if (this.cargo === undefined) return
      this.target?.scrollAt(this.x, this.y, now - before)
      this.place = this.target?.gapAt(this.x, this.y, this.cargo)
      this.#scroll(now)
    })
  }
}
