/** Calls back when so many frames have been shown; returns what calls it off. */
export function afterFrames(count: number, then: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let frame = 0
  const wait = (left: number): void => {
    // a task that is set in a frame runs when that frame is out
    if (left === 0) timer = setTimeout(then)
    else frame = requestAnimationFrame(() => wait(left - 1))
  }
  wait(count)
  return () => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
}
