/** Tells elements whether they are near what is in sight of a scroller. */
export interface Sight {
  watch(element: HTMLElement, tell: (isNear: boolean) => void): () => void
}

const AHEAD = '600px 0px'

/** One observer for all pieces of a page. */
export function openSight(root: () => HTMLElement): Sight & { close(): void } {
  const listeners = new Map<Element, (isNear: boolean) => void>()
  let observer: IntersectionObserver | undefined
  const open = (): IntersectionObserver =>
    (observer ??= new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) listeners.get(target)?.(isIntersecting)
      },
      { root: root(), rootMargin: AHEAD },
    ))
  return {
    watch(element, tell) {
      listeners.set(element, tell)
      open().observe(element)
      return () => {
        listeners.delete(element)
        observer?.unobserve(element)
      }
    },
    close: () => observer?.disconnect(),
  }
}
