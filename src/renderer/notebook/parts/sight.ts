/** Tells elements whether they are near what is in sight of a scroller. */
export interface Sight {
  watch(element: HTMLElement, tell: (isNear: boolean) => void): () => void
}

const AHEAD = 800

/**
 * One observer for all pieces of a page. What comes into sight is told at once; what is only near, and what has gone, is told
 * one piece a frame, so that no frame has to make several.
 */
export function openSight(root: () => HTMLElement): Sight & { close(): void } {
  const listeners = new Map<Element, (isNear: boolean) => void>()
  const waiting = new Map<Element, boolean>()
  let observer: IntersectionObserver | undefined
  let frame: number | undefined

  function hear(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting, boundingClientRect: box, rootBounds } of entries) {
      const isSeen = rootBounds !== null && box.bottom > rootBounds.top + AHEAD && box.top < rootBounds.bottom - AHEAD
      waiting.delete(target)
      if (isIntersecting && isSeen) listeners.get(target)?.(true)
      else waiting.set(target, isIntersecting)
    }
    if (waiting.size > 0) frame ??= requestAnimationFrame(work)
  }

  function work(): void {
    frame = undefined
    // what is near goes first: it will be seen next
    const next = [...waiting].find(([, isNear]) => isNear) ?? [...waiting][0]
    if (next === undefined) return
    waiting.delete(next[0])
    listeners.get(next[0])?.(next[1])
    if (waiting.size > 0) frame = requestAnimationFrame(work)
  }

  const open = (): IntersectionObserver =>
    (observer ??= new IntersectionObserver(hear, { root: root(), rootMargin: `${AHEAD}px 0px` }))
  return {
    watch(element, tell) {
      listeners.set(element, tell)
      open().observe(element)
      return () => {
        listeners.delete(element)
        waiting.delete(element)
        observer?.unobserve(element)
      }
    },
    close() {
      observer?.disconnect()
      if (frame !== undefined) cancelAnimationFrame(frame)
    },
  }
}
