import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { duration, progressBar, progressLine, terminalProgress } from '../src/main/terminal.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

function screen(isTTY: boolean, columns = 80) {
  let text = ''
  return { isTTY, columns, write: (piece: string) => void (text += piece), text: () => text }
}
const event = (done: number, total: number | null = 100, phase = 'train') => ({ phase, done, total, unit: 'steps' })

describe('on a terminal', () => {
  it('redraws one line, ten times a second at most', () => {
    const stream = screen(true)
    const progress = terminalProgress(stream, { isInteractive: true })
    for (let done = 0; done <= 100; done++) {
      progress.update(event(done))
      vi.advanceTimersByTime(20)
    }
    progress.end()
    const frames = stream.text().split('\r\u001b[K').slice(1)
    expect(frames.length).toBeGreaterThan(15)
    expect(frames.length).toBeLessThan(30)
    for (const frame of frames) expect(frame.trimEnd().length).toBeLessThan(80)
    expect(frames.at(-1)).toMatch(/^train {2}\[#{20,}\] {2}100\/100 steps {2}50\/s\n$/)
    expect(stream.text().match(/\n/g)).toHaveLength(1)
  })

  it('shows a stall without any event, and keeps finished phases', () => {
    const stream = screen(true)
    const progress = terminalProgress(stream, { isInteractive: true })
    for (let done = 0; done <= 10; done++) {
      progress.update(event(done))
      vi.advanceTimersByTime(1000)
    }
    expect(stream.text()).toContain('10/100 steps  1/s  1 min 29 s left')
    vi.advanceTimersByTime(60_000)
    expect(stream.text()).toMatch(/10\/100 steps {2}\S+ s each {2}\d+ min/)
    progress.update(event(0, null, 'save'))
    progress.end()
    expect(stream.text().endsWith('save  0 steps\n')).toBe(true)
    const before = stream.text()
    vi.advanceTimersByTime(10_000)
    expect(stream.text()).toBe(before)
  })

  it('puts notes above the bar', () => {
    const stream = screen(true)
    const progress = terminalProgress(stream, { isInteractive: true })
    progress.update(event(1))
    progress.note('checkpoint written')
    expect(stream.text()).toContain('\r\u001b[Kcheckpoint written\n\r\u001b[Ktrain  [')
    progress.end()
  })
})

it('prints a line every few seconds elsewhere', () => {
  const stream = screen(false)
  const progress = terminalProgress(stream)
  for (let done = 0; done <= 120; done++) {
    progress.update(event(done, 120))
    vi.advanceTimersByTime(100)
  }
  progress.note('done')
  progress.end()
  expect(stream.text().split('\n')).toEqual([
    'train  0/120 steps  0 %',
    'train  50/120 steps  41 %  10/s  7 s left',
    'train  100/120 steps  83 %  10/s  2 s left',
    'done',
    'train  120/120 steps  100 %  10/s',
    '',
  ])
})

it('prints nothing when asked to be quiet', () => {
  const stream = screen(true)
  const progress = terminalProgress(stream, { isQuiet: true })
  progress.update(event(1))
  progress.note('note')
  progress.end()
  expect(stream.text()).toBe('')
})

it('writes durations in words', () => {
  const cases: [number, string][] = [
    [0, '0 s'],
    [0.123, '0.12 s'],
    [8.25, '8.3 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [125, '2 min 5 s'],
    [3600, '1 h'],
    [11_400, '3 h 10 min'],
    [187_200, '2 d 4 h'],
  ]
  for (const [seconds, text] of cases) expect(duration(seconds)).toBe(text)
})

it('fits any width', () => {
  const progress = { ...event(41, 1000), rate: 0.02, remainingSeconds: 47_950 }
  for (let width = 0; width < 120; width++) expect(progressBar(progress, width).length).toBeLessThanOrEqual(width)
  expect(progressBar(progress, 79)).toContain('[#-')
  expect(progressLine(progress)).toBe('train  41/1000 steps  4 %  50 s each  13 h 19 min left')
  expect(progressLine({ ...progress, done: 5, total: 0 })).toBe('train  5/0 steps  50 s each  13 h 19 min left')
})
