// The window onto the stack: how far it is scrolled and zoomed. The scroller is an ordinary one; zoom is the plane's.

import { clampZoom, fitZoom, zoomScroll } from './drag.ts'
import { visiblePart } from './layout.ts'
import type { Row } from './layout.ts'

/** Space above the first and below the last row. */
const MARGIN = 8

export class Viewport {
  zoom = $state(1)
  scrollTop = $state(0)
  width = $state(0)
  height = $state(0)
  /** Height of everything in it at zoom 1. */
  content = $state(0)
  /** Every row of the stack, in sight or not. */
  rows = $state.raw<readonly Row[]>([])
  /** Height of what covers the upper edge. */
  head = $state(0)
  scroller: HTMLElement | undefined

  /** The span of heights in sight, at zoom 1. */
  readonly from = $derived(this.scrollTop / this.zoom)
  readonly to = $derived((this.scrollTop + this.height) / this.zoom)
  readonly inSight = $derived(visiblePart(this.rows, this.from + this.head, this.to))

  /** Zooms; what is at `pointer` pixels from the top stays there. */
  zoomTo(zoom: number, pointer = this.height / 2): void {
    const next = clampZoom(zoom)
    if (next === this.zoom) return
    const top = zoomScroll(this.scrollTop, pointer, this.zoom, next)
    this.zoom = next
    // the plane must have its height before it can be scrolled there
    requestAnimationFrame(() => this.scroller?.scrollTo({ top }))
  }

  zoomBy(factor: number, pointer?: number): void {
    this.zoomTo(this.zoom * factor, pointer)
  }

  fit(): void {
    this.zoom = fitZoom(this.content, this.height)
    this.scroller?.scrollTo({ top: 0 })
  }

  /** Scrolls as little as is needed to show a span of heights below the sticky head. */
  reveal(y: number, height: number, head = 0): void {
    const top = (y - head - MARGIN) * this.zoom
    const bottom = (y + height + MARGIN) * this.zoom
    if (top < this.scrollTop) this.scroller?.scrollTo({ top })
    else if (bottom > this.scrollTop + this.height) this.scroller?.scrollTo({ top: bottom - this.height })
  }

  /** Scrolls a height into the middle. */
  centre(y: number): void {
    this.scroller?.scrollTo({ top: y * this.zoom - this.height / 2 })
  }

  /** Height in the plane of a point of the screen. */
  planeY(clientY: number): number {
    const top = this.scroller?.getBoundingClientRect().top ?? 0
    return (clientY - top + (this.scroller?.scrollTop ?? 0)) / this.zoom
  }

  /** Distance from the plane's left edge of a point of the screen. */
  planeX(clientX: number): number {
    const left = this.scroller?.getBoundingClientRect().left ?? 0
    return (clientX - left + (this.scroller?.scrollLeft ?? 0)) / this.zoom
  }

  contains(clientX: number, clientY: number): boolean {
    const box = this.scroller?.getBoundingClientRect()
    if (box === undefined) return false
    return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom
  }
}
