// What runs inside the page: each function is sent as text and knows nothing of this file.

/** Records, in every new document, when the first heading of a view was there and a frame with it was drawn. */
export function watchFirstHeading(): void {
  const own = window as unknown as { interactiveMs?: number }
  const look = (): void => {
    if (own.interactiveMs !== undefined || document.querySelector('main h1') === null) return
    observer.disconnect()
    requestAnimationFrame(() => setTimeout(() => (own.interactiveMs = performance.now())))
  }
  const observer = new MutationObserver(look)
  observer.observe(document, { childList: true, subtree: true })
}

/**
 * Clicks or goes to an address, and waits for a text in an attribute or in the content, and for the canvases in it to have
 * been painted; ms until the frame after it.
 */
export function timeUntil(how: {
  readonly click?: string
  readonly hash?: string
  readonly selector: string
  readonly text: string
}): Promise<number> {
  return new Promise((resolve) => {
    const start = performance.now()
    const found = (): Element | undefined =>
      [...document.querySelectorAll(how.selector)].find((element) =>
        `${element.getAttribute('aria-label') ?? ''} ${element.textContent}`.includes(how.text),
      )
    // a canvas takes the size of its box when it is painted
    const isPainted = (element: Element): boolean =>
      [...element.querySelectorAll('canvas')].every(
        ({ width, clientWidth }) => width === Math.round(clientWidth * devicePixelRatio),
      )
    const end = (element: Element): void =>
      void requestAnimationFrame(() =>
        isPainted(element) ? setTimeout(() => resolve(performance.now() - start)) : end(element),
      )
    const observer = new MutationObserver(() => {
      const element = found()
      if (element === undefined) return
      observer.disconnect()
      end(element)
    })
    observer.observe(document, { childList: true, subtree: true, attributes: true, characterData: true })
    if (how.hash !== undefined) location.hash = how.hash
    if (how.click !== undefined)
      [...document.querySelectorAll<HTMLElement>('button')].find((b) => b.textContent.includes(how.click!))!.click()
  })
}

/** Moves over the points, one step a frame; ms between the frames, which are not held to the screen's rate. */
export function frameTimes(how: {
  readonly kind: 'pan' | 'zoom' | 'brush'
  readonly frames: number
}): Promise<number[]> {
  const plot = document.querySelector<HTMLElement>('[role=application]')!
  const { left, top, width, height } = plot.getBoundingClientRect()
  const at = (share: number) => ({
    clientX: left + width * (0.2 + 0.5 * share),
    clientY: top + height * (0.2 + 0.5 * share),
    bubbles: true,
    cancelable: true,
  })
  const pointer = (type: string, share: number): void =>
    void plot.dispatchEvent(
      new PointerEvent(type, { ...at(share), pointerId: 1, button: how.kind === 'pan' ? 1 : 0, isPrimary: true }),
    )
  const step = (n: number): void => {
    // there and back, so that the view stays where the points are
    const share = 0.5 - 0.5 * Math.cos((4 * Math.PI * n) / how.frames)
    if (how.kind === 'zoom')
      plot.dispatchEvent(
        new WheelEvent('wheel', { ...at(0.5), deltaY: -12 * Math.sin((4 * Math.PI * n) / how.frames) }),
      )
    else pointer('pointermove', share)
  }
  if (how.kind !== 'zoom') pointer('pointerdown', 0)
  return new Promise((resolve) => {
    const times: number[] = []
    let last: number | undefined
    let n = 0
    const frame = (now: number): void => {
      if (last !== undefined) times.push(now - last)
      last = now
      if (n < how.frames) {
        step(n++)
        requestAnimationFrame(frame)
        return
      }
      if (how.kind !== 'zoom') pointer('pointerup', 1)
      resolve(times.slice(5))
    }
    requestAnimationFrame(frame)
  })
}

/** Edits the text form back and forth; ms from the key to the number, and to the end of the frame with it. */
export async function editTimes(how: {
  readonly texts: readonly string[]
  readonly edits: number
}): Promise<{ readonly number: number[]; readonly frame: number[] }> {
  const area = document.querySelector<HTMLTextAreaElement>('main textarea')!
  const totals = (): string => [...document.querySelectorAll('main dl dd')].map((e) => e.textContent).join(' ')
  const found = { number: [] as number[], frame: [] as number[] }
  for (let n = 0; n < how.edits; n++) {
    const before = totals()
    const start = performance.now()
    area.value = how.texts[n % 2]!
    area.dispatchEvent(new InputEvent('input', { bubbles: true }))
    // effects are flushed in a microtask
    for (let turn = 0; turn < 50 && totals() === before; turn++) await Promise.resolve()
    if (totals() === before && n > 0) throw new Error(`edit ${n} changed no number`)
    const shown = performance.now() - start
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    if (n > 0) {
      found.number.push(shown)
      found.frame.push(performance.now() - start)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return found
}
