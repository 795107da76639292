// What runs inside of the page: each function is sent as text and knows nothing of this file.

/** Opens a notebook of the list; ms until what is in sight is drawn, its first plot included. */
export async function openTime(name: string): Promise<number> {
  const link = [...document.querySelectorAll('a')].find((one) => one.textContent.includes(name))!
  const start = performance.now()
  const frame = (): Promise<unknown> => new Promise((done) => requestAnimationFrame(done))
  const frames = new Set<Element>()
  const loaded = new Set<Element>()
  link.click()
  for (;;) {
    await frame()
    for (const element of document.querySelectorAll('[data-cell] iframe')) {
      if (frames.has(element)) continue
      frames.add(element)
      element.addEventListener('load', () => loaded.add(element))
    }
    const inSight = [...frames].filter((element) => element.getBoundingClientRect().top < innerHeight)
    if (inSight.length > 0 && inSight.every((element) => loaded.has(element))) break
    if (performance.now() - start > 60_000) throw new Error(`${loaded.size} of ${frames.size} plots were drawn`)
  }
  await frame()
  await new Promise((done) => setTimeout(done))
  return performance.now() - start
}

/** Scrolls from the beginning to the end, so many px a frame; ms between the frames. */
export async function scrollTimes(pixels: number): Promise<number[]> {
  const scroller = document.querySelector('[data-key]')!.parentElement!.parentElement!
  scroller.scrollTop = 0
  await new Promise((done) => setTimeout(done, 500))
  return new Promise((resolve) => {
    const times: number[] = []
    let last: number | undefined
    const frame = (now: number): void => {
      if (last !== undefined) times.push(now - last)
      last = now
      if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1 || times.length > 5000)
        return resolve(times)
      scroller.scrollTop += pixels
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
}
