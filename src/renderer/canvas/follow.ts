/** Follows the pointer of a press until it is released or lost. */
export function follow(event: PointerEvent, move: (e: PointerEvent) => void, end: () => void): void {
  const listeners = new AbortController()
  const stop = () => {
    listeners.abort()
    end()
  }
  const { signal } = listeners
  addEventListener('pointermove', (e) => e.pointerId === event.pointerId && move(e), { signal })
  addEventListener('pointerup', stop, { signal })
  addEventListener('pointercancel', stop, { signal })
}
