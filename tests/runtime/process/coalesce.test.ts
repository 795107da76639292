import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { coalesce } from '../../../src/main/runtime/process/coalesce.ts'
import { outputTail } from '../../../src/main/runtime/process/output-tail.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

it('passes one value per interval and always the last', () => {
  const sent: [number, number][] = []
  const { push, flush } = coalesce((value: number) => sent.push([performance.now(), value]), 100)
  const start = performance.now()
  for (let i = 0; i < 95; i++) {
    push(i)
    vi.advanceTimersByTime(7)
  }
  expect(sent[0]).toEqual([start, 0])
  for (let i = 1; i < sent.length; i++) expect(sent[i]![0] - sent[i - 1]![0]).toBeGreaterThanOrEqual(100)
  expect(sent.length).toBe(7)
  flush()
  expect(sent.at(-1)![1]).toBe(94)
  flush()
  vi.advanceTimersByTime(1000)
  expect(sent.length).toBe(8)
})

it('sends what it kept when the interval is over', () => {
  const sent: string[] = []
  const { push } = coalesce((value: string) => sent.push(value), 100)
  push('a')
  push('b')
  push('c')
  expect(sent).toEqual(['a'])
  vi.advanceTimersByTime(100)
  expect(sent).toEqual(['a', 'c'])
})

it('keeps the last lines of an output, whole and short', () => {
  const tail = outputTail()
  const bytes = Buffer.from('first\nzweite Zeile: ä\r\n\nthi')
  // a character cut in two
  tail.write(bytes.subarray(0, 22))
  tail.write(bytes.subarray(22))
  expect(tail.lines()).toEqual(['first', 'zweite Zeile: ä', 'thi'])
  tail.write(Buffer.from('rd\n'))
  tail.note('a note')
  expect(tail.lines()).toEqual(['first', 'zweite Zeile: ä', 'third', 'a note'])
  tail.write(Buffer.from('x'.repeat(1e6)))
  for (let i = 0; i < 100; i++) tail.write(Buffer.from(`\n${i}`))
  expect(tail.lines()).toHaveLength(20)
  expect(tail.lines().at(-1)).toBe('99')
  expect(tail.lines().every((line) => line.length <= 400)).toBe(true)
})
