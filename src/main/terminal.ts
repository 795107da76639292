// Progress on a terminal: one bar that is redrawn in place when somebody looks, a plain line every few seconds when the
// output goes to a file or a log, and nothing at all when asked to be quiet.

import { type Progress, type ProgressEvent, progressTracker } from '#main/runtime/progress.ts'

/** The part of a stream that is needed; `process.stderr` is one. */
export interface TerminalStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export interface TerminalOptions {
  /** Print nothing: for `--quiet` and `--json`. */
  readonly isQuiet?: boolean | undefined
  /** Redraw in place; by default when the stream is a terminal that is not `dumb`. */
  readonly isInteractive?: boolean | undefined
}

export interface TerminalProgress {
  update(event: ProgressEvent): void
  /** Prints a line that stays, above the bar. */
  note(line: string): void
  /** Leaves the last state on the screen and stops the clock. */
  end(): void
}

const REDRAW_MS = 100
const TICK_MS = 1000
const PLAIN_LINE_MS = 5000
const ERASE_LINE = '\r\u001b[K'

/** Shows progress on a stream, normally `process.stderr` so that results on stdout stay clean. */
export function terminalProgress(stream: TerminalStream, options: TerminalOptions = {}): TerminalProgress {
  if (options.isQuiet) return { update: () => {}, note: () => {}, end: () => {} }
  const isInteractive = options.isInteractive ?? (stream.isTTY === true && process.env['TERM'] !== 'dumb')
  const tracker = progressTracker()
  let shown: Progress | undefined
  let shownAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  const show = (progress: Progress): void => {
    shown = progress
    shownAt = performance.now()
    if (isInteractive) stream.write(ERASE_LINE + progressBar(progress, (stream.columns ?? 80) - 1))
    else stream.write(`${progressLine(progress)}\n`)
  }
  const finishPhase = (): void => {
    const last = tracker.current()
    if (!last) return
    if (isInteractive || shown?.phase !== last.phase || shown.done !== last.done) show(last)
    if (isInteractive) stream.write('\n')
  }
  let phase: string | undefined
  return {
    update(event) {
      if (phase !== undefined && event.phase !== phase) finishPhase()
      const isFirst = event.phase !== phase
      phase = event.phase
      const progress = tracker.update(event)
      if (isFirst || performance.now() - shownAt >= (isInteractive ? REDRAW_MS : PLAIN_LINE_MS)) show(progress)
      if (isInteractive && !timer) timer = setInterval(() => show(tracker.current()!), TICK_MS).unref()
    },
    note(line) {
      stream.write(`${isInteractive && phase !== undefined ? ERASE_LINE : ''}${line}\n`)
      if (isInteractive && shown) show(shown)
    },
    end() {
      clearInterval(timer)
      timer = undefined
      if (phase !== undefined) finishPhase()
      phase = shown = undefined
    },
  }
}

/** One line such as `train  [####----]  412/1000 steps  8.3/s  1 min 11 s left`, at most `width` wide. */
export function progressBar(progress: Progress, width: number): string {
  const { phase, done, total } = progress
  const facts = describe(progress)
  const room = Math.min(24, width - phase.length - facts.length - 6)
  if (total === null || room < 5) return `${phase}  ${facts}`.slice(0, Math.max(0, width))
  const filled = Math.round(room * Math.min(1, total > 0 ? done / total : 1))
  return `${phase}  [${'#'.repeat(filled)}${'-'.repeat(room - filled)}]  ${facts}`
}

/** The same as a sentence for logs: `train  412/1000 steps  41 %  8.3/s  1 min 11 s left`. */
export function progressLine(progress: Progress): string {
  return `${progress.phase}  ${describe(progress, true)}`
}

function describe({ done, total, unit, rate, remainingSeconds }: Progress, hasShare = false): string {
  const parts = [total === null ? `${count(done)} ${unit}` : `${count(done)}/${count(total)} ${unit}`]
  if (hasShare && total) parts.push(`${Math.floor(Math.min(1, done / total) * 100)} %`)
  if (rate !== null && rate > 0) parts.push(rate >= 1 ? `${significant(rate)}/s` : `${duration(1 / rate)} each`)
  if (remainingSeconds !== null && remainingSeconds > 0) parts.push(`${duration(remainingSeconds)} left`)
  return parts.join('  ')
}

/** A duration in words, two units at most: `8.3 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${significant(seconds)} s`
  const whole = Math.round(seconds)
  const steps = [
    [86_400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'min'],
    [60, 'min', 1, 's'],
  ] as const
  for (const [large, largeName, small, smallName] of steps) {
    if (whole < large) continue
    const rest = Math.floor((whole % large) / small)
    return `${Math.floor(whole / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`
  }
  return `${whole} s`
}

function count(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}

function significant(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)))
}
