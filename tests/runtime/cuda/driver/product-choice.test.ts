// The algorithm of a product is measured once and kept on disk. The library is a stand-in that says what it was asked.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Algorithm, CublasLt } from '#main/runtime/targets/cuda/driver/cublaslt.ts'
import type { MatmulShape, MatrixLayout } from '#main/runtime/targets/cuda/driver/machine.ts'
import { ProductChoices, productKey } from '#main/runtime/targets/cuda/driver/product-choice.ts'

let folder: string
let timed: number[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-products-'))
  timed = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const layout: MatrixLayout = { type: 'bf16', transposed: false, lead: 64, stride: 0 }
const shape: MatmulShape = { m: 64, n: 64, k: 64, batch: 1, a: layout, b: layout, c: layout, tf32: false }
const algorithm = (id: number): Algorithm => ({ bytes: Buffer.alloc(64, id), workspace: id })

/** A library with five algorithms, which refuses the bytes of those that it is told to. */
const library = (version = 130000, refused: readonly number[] = []): CublasLt => ({
  path: '',
  version,
  prepare: () => ({
    propose: (count) => [0, 1, 2, 3, 4].slice(0, count).map(algorithm),
    check: (bytes) => (refused.includes(bytes[0]!) ? undefined : algorithm(bytes[0]!)),
    run: () => undefined,
  }),
})

/** A new process: what it chooses, when the algorithm `fastest` is the fastest now. */
function chosen(fastest: number, lt = library(), device = 'H200 9.0', product = shape): number {
  const choices = new ProductChoices(lt, device, folder)
  const time = ({ algorithm: { bytes } }: { readonly algorithm: Algorithm }): number => {
    timed.push(bytes[0]!)
    return bytes[0] === fastest ? 1 : 2
  }
  const first = choices.of(product, time)
  expect(choices.of(product, time)).toBe(first)
  return first.algorithm.bytes[0]!
}

it('is the fastest, and the next process does not measure again', () => {
  expect(chosen(3)).toBe(3)
  expect(timed).toEqual([0, 1, 2, 3, 4])
  expect(chosen(1)).toBe(3)
  expect(timed).toHaveLength(5)
})

describe('is measured again', () => {
  it('for another device, library, shape, layout or type', () => {
    const others: readonly MatmulShape[] = [
      { ...shape, k: 128 },
      { ...shape, batch: 2 },
      { ...shape, tf32: true },
      { ...shape, b: { ...layout, transposed: true } },
      { ...shape, c: { ...layout, lead: 72 } },
      { ...shape, c: { ...layout, type: 'f32' } },
    ]
    expect(chosen(0)).toBe(0)
    expect(chosen(1, library(), 'H100 9.0')).toBe(1)
    expect(chosen(2, library(120900))).toBe(2)
    others.forEach((other, i) => expect(chosen(i % 5, library(), 'H200 9.0', other)).toBe(i % 5))
    const keys = [shape, ...others].map((product) => productKey(product, 'H200 9.0', 130000))
    expect(new Set(keys).size).toBe(7)
    expect(readdirSync(folder)).toHaveLength(9)
  })

  it('when the file is damaged, cut short or that of another product', () => {
    chosen(3)
    const file = join(folder, readdirSync(folder)[0]!)
    const whole = readFileSync(file, 'utf8')
    chosen(2, library(), 'another device')
    const foreign = readdirSync(folder)
      .map((name) => join(folder, name))
      .find((path) => path !== file)!
    const damaged = [
      '',
      'nonsense',
      whole.slice(0, -1),
      `${whole} `,
      whole.replace(/^03/, '04'),
      readFileSync(foreign, 'utf8'),
    ]
    for (const text of damaged) {
      writeFileSync(file, text)
      timed = []
      expect(chosen(1)).toBe(1)
      expect(timed).toHaveLength(5)
    }
    expect(chosen(2)).toBe(1)
  })

  it('when the library refuses what was kept', () => {
    chosen(3)
    expect(chosen(1, library(130000, [3]))).toBe(1)
    expect(chosen(2)).toBe(1)
  })
})
