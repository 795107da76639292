import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseProgressEvent, type Progress, progressTracker } from '../../src/main/runtime/progress.ts'
import { noise } from './simulated-machine.ts'

/** A tracker with a clock in seconds that the test moves. */
function tracker() {
  let ms = 5000
  const tracked = progressTracker({ now: () => ms })
  const report = (done: number, total: number | null = 100, phase = 'train') =>
    tracked.update({ phase, done, total, unit: 'steps' })
  return { pass: (seconds: number) => void (ms += seconds * 1000), report, current: tracked.current }
}

describe('rate and time left', () => {
  it('are unknown at first and exact for steady work', () => {
    const { pass, report } = tracker()
    expect(report(0)).toMatchObject({ rate: null, remainingSeconds: null })
    pass(0.5)
    expect(report(1).rate).toBeNull()
    let last: Progress | undefined
    for (let done = 2; done <= 40; done++) {
      pass(0.5)
      last = report(done)
    }
    expect(last!.rate).toBeCloseTo(2, 6)
    expect(last!.remainingSeconds).toBeCloseTo(30, 6)
    expect(report(100).remainingSeconds).toBe(0)
  })

  it('do not depend on how often events come', () => {
    const often = tracker()
    const seldom = tracker()
    often.report(0, 1000)
    seldom.report(0, 1000)
    const speed = (second: number) => (second < 30 ? 10 : 4)
    let done = 0
    let a: Progress | undefined
    let b: Progress | undefined
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 10; i++) {
        often.pass(0.1)
        done += speed(second) / 10
        a = often.report(done, 1000)
      }
      seldom.pass(1)
      if (second % 10 === 9) b = seldom.report(done, 1000)
    }
    expect(b!.rate! / a!.rate!).toBeCloseTo(1, 6)
    // 30 s after a change the newer speed has most of the weight, but not all
    expect(a!.rate!).toBeGreaterThan(4)
    expect(a!.rate!).toBeLessThan(6)
  })

  it('are within a tenth of the truth for noisy steps', () => {
    const factor = noise(7, { phi: 0.5, deviation: 0.3, spikes: 0.05 })
    const durations = Array.from({ length: 400 }, () => 0.3 * factor())
    const { pass, report } = tracker()
    report(0, 400)
    const errors: number[] = []
    for (let done = 1; done <= 400; done++) {
      pass(durations[done - 1]!)
      const { remainingSeconds } = report(done, 400)
      const truth = durations.slice(done).reduce((sum, seconds) => sum + seconds, 0)
      if (done >= 60 && done <= 350) errors.push(Math.abs(remainingSeconds! / truth - 1))
    }
    expect(errors.sort((a, b) => a - b)[Math.floor(errors.length / 2)]).toBeLessThan(0.1)
  })

  it('count down between events and grow when they stay away', () => {
    const { pass, report, current } = tracker()
    expect(current()).toBeUndefined()
    for (let done = 0; done <= 20; done++) {
      report(done)
      pass(1)
    }
    const atEvent = current()!.remainingSeconds!
    expect(atEvent).toBeCloseTo(79, 6)
    pass(1)
    expect(current()!.remainingSeconds).toBeCloseTo(78, 6)
    pass(60)
    const stalled = current()!
    expect(stalled.remainingSeconds!).toBeGreaterThan(300)
    expect(stalled.rate!).toBeLessThan(0.3)
  })

  it('start anew with a phase, and when work starts over', () => {
    const { pass, report } = tracker()
    for (let done = 0; done < 10; done++) {
      report(done)
      pass(1)
    }
    expect(report(10).rate).toBeCloseTo(1)
    expect(report(0, 50, 'evaluate').rate).toBeNull()
    pass(2)
    expect(report(40, 50, 'evaluate').rate).toBeCloseTo(20)
    expect(report(3, 50, 'evaluate').rate).toBeNull()
  })

  it('know no time left without a total, and count a resumed start as nothing done', () => {
    const { pass, report } = tracker()
    report(9000, null)
    pass(10)
    const progress = report(9010, null)
    expect(progress.rate).toBeCloseTo(1)
    expect(progress.remainingSeconds).toBeNull()
  })

  it('are never negative or NaN, whatever comes', () => {
    const step = fc.record({
      seconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e4, noNaN: true })),
      done: fc.double({ min: 0, max: 1e9, noNaN: true }),
      total: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { pass, report, current } = tracker()
        for (const { seconds, done, total } of steps) {
          pass(seconds)
          for (const { rate, remainingSeconds } of [report(done, total), current()!]) {
            for (const value of [rate, remainingSeconds]) if (value !== null) expect(value).toBeGreaterThanOrEqual(0)
          }
        }
      }),
    )
  })
})

it('takes only events out of foreign data', () => {
  const event = { phase: 'train', done: 3, total: 10, unit: 'steps' }
  expect(parseProgressEvent({ ...event, loss: 2 })).toEqual(event)
  expect(parseProgressEvent({ ...event, total: undefined })).toEqual({ ...event, total: null })
  for (const wrong of [
    null,
    3,
    'x',
    {},
    { ...event, done: NaN },
    { ...event, done: -1 },
    { ...event, phase: 7 },
    { ...event, unit: 'u'.repeat(101) },
  ]) {
    expect(parseProgressEvent(wrong)).toBeUndefined()
  }
})
