import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCorpus } from '#main/runtime/data/corpus.ts'
import { openDataset, prepareDataset, type TokenDataset } from '#main/runtime/data/dataset.ts'
import { cacheTokens } from '#main/runtime/data/token-cache.ts'
import { loadTokenizer, type Tokenizer } from '#main/runtime/data/tokenizer.ts'
import { errorOf, put, temporaryFolder } from './folder.ts'

const folder = temporaryFolder()
const bytes = await loadTokenizer('bytes')
const sotu = await loadTokenizer('sotu-4096')

const texts = Array.from(
  { length: 200 },
  (_, i) => `${i}: the wörp of the United States, the weft 😀 of ${'Congress '.repeat(i % 13)}`,
)
const lines = put(folder, 'texts.jsonl', texts.map((text) => JSON.stringify({ text })).join('\n'))
const cacheOf = async (tokenizer: Tokenizer) =>
  cacheTokens(await openCorpus(lines), tokenizer, {
    cacheFolder: join(folder, 'cache'),
    split: { seed: 1, heldOut: 0.2 },
  })
const cache = await cacheOf(bytes)
const dataset = openDataset(cache)

/** The tokens of each row of a batch. */
const rowsOf = (batch: Int32Array, seqLen: number): string[] =>
  Array.from({ length: batch.length / (seqLen + 1) }, (_, row) =>
    batch.subarray(row * (seqLen + 1), (row + 1) * (seqLen + 1)).join(),
  )

describe('trainBatch', () => {
  it('takes every window of an epoch once, whatever the shape and the seed', () => {
    const all = dataset.read('train', 0, cache.train.tokens)
    const shapes = fc.record({
      batchSize: fc.integer({ min: 1, max: 40 }),
      seqLen: fc.integer({ min: 1, max: 300 }),
      seed: fc.integer({ min: 0, max: 1000 }),
      epoch: fc.integer({ min: 0, max: 3 }),
    })
    fc.assert(
      fc.property(shapes, ({ batchSize, seqLen, seed, epoch }) => {
        const windows = dataset.trainWindows(seqLen)
        expect(windows).toBe(Math.floor((all.length - 1) / seqLen))
        const first = epoch * windows
        const found: string[] = []
        for (let step = Math.floor(first / batchSize); step * batchSize < first + windows; step++) {
          const rows = rowsOf(dataset.trainBatch(step, { batchSize, seqLen, seed }), seqLen)
          for (const [row, window] of rows.entries()) {
            const sample = step * batchSize + row
            if (sample >= first && sample < first + windows) found.push(window)
          }
        }
        // the windows lie side by side, from an offset that the remainder behind the last one allows
        const offsets = Array.from({ length: ((all.length - 1) % seqLen) + 1 }, (_, offset) => offset)
        const sorted = found.sort().join('\n')
        const matches = offsets.some((offset) => {
          const windowsAt = Array.from({ length: windows }, (_, i) =>
            all.subarray(offset + i * seqLen, offset + (i + 1) * seqLen + 1).join(),
          )
          return windowsAt.sort().join('\n') === sorted
        })
        expect(matches).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('follows from seed and step alone, so a run resumes exactly', async () => {
    const shape = { batchSize: 8, seqLen: 32, seed: 11 }
    const steps = Array.from({ length: 100 }, (_, step) => dataset.trainBatch(step, shape))
    const again = openDataset(await cacheOf(bytes))
    for (const step of [99, 0, 57, 58, 3]) expect(again.trainBatch(step, shape)).toEqual(steps[step])
    again.close()
    expect(dataset.trainBatch(0, { ...shape, seed: 12 })).not.toEqual(steps[0])
  })

  it('takes another order each epoch', () => {
    const seqLen = 64
    const windows = dataset.trainWindows(seqLen)
    const epoch = (number: number): string[] =>
      Array.from({ length: windows }, (_, i) =>
        dataset.trainBatch(number * windows + i, { batchSize: 1, seqLen, seed: 2 })[0]!.toString(),
      )
    expect(epoch(0)).not.toEqual(epoch(1))
  })

  it('refuses a corpus too small for a window, with the numbers', async () => {
    const error = await errorOf(() => dataset.trainBatch(0, { batchSize: 1, seqLen: 100_000, seed: 0 }))
    expect(error.code).toBe('corpus-invalid')
    expect(error.message).toBe(
      `the training documents have ${cache.train.tokens} tokens, but one window of sequence length 100000 needs 100001`,
    )
    expect((await errorOf(() => dataset.trainBatch(0, { batchSize: 0, seqLen: 4, seed: 0 }))).code).toBe(
      'param-invalid',
    )
    expect((await errorOf(() => dataset.trainWindows(1.5))).code).toBe('param-invalid')
  })

  it('accepts exactly one window', () => {
    const seqLen = cache.train.tokens - 1
    const batch = dataset.trainBatch(7, { batchSize: 2, seqLen, seed: 0 })
    const all = dataset.read('train', 0, cache.train.tokens)
    expect(rowsOf(batch, seqLen)).toEqual([all.join(), all.join()])
  })
})

describe('validation', () => {
  it.each([bytes, sotu])('scores each held-out token once and counts its bytes exactly ($name)', async (tokenizer) => {
    const data: TokenDataset = openDataset(await cacheOf(tokenizer))
    const { tokens: count, bytes: total } = data.cache.validation
    const all = data.read('validation', 0, count)
    for (const seqLen of [1, 7, 64]) {
      const batches = [...data.validation({ batchSize: 1, seqLen })]
      expect(batches.length).toBe(Math.floor((count - 1) / seqLen))
      for (const [i, batch] of batches.entries()) {
        expect([...batch.tokens]).toEqual([...all.subarray(i * seqLen, (i + 1) * seqLen + 1)])
        expect(batch.targets).toBe(seqLen)
        // independent count: whole tokens of this alphabet are made of whole bytes
        const scored = [...batch.tokens.subarray(1)].filter((id) => id !== data.endOfDocument)
        expect(batch.bytes).toBe(scored.reduce((sum, id) => sum + tokenizer.tokenBytes(id), 0))
      }
      const covered = batches.reduce((sum, batch) => sum + batch.bytes!, 0)
      const rest = data.validationBytes(1 + batches.length * seqLen, count - 1 - batches.length * seqLen)!
      expect(covered + rest).toBe(total)
    }
    data.close()
  })

  it('gives the bytes of the text that the targets decode to', () => {
    for (const { tokens, bytes: covered } of dataset.validation({ batchSize: 1, seqLen: 50 })) {
      const scored = [...tokens.subarray(1)].filter((id) => id < 256)
      expect(covered).toBe(scored.length)
    }
  })

  it('spreads fewer windows evenly, always the same ones', () => {
    const some = [...dataset.validation({ batchSize: 2, seqLen: 16, maxTokens: 16 * 10 })]
    expect(some.length).toBe(5)
    expect([...dataset.validation({ batchSize: 2, seqLen: 16, maxTokens: 16 * 10 })]).toEqual(some)
    const windows = Math.floor((cache.validation.tokens - 1) / 16)
    const rows = some.flatMap(({ tokens }) => rowsOf(tokens, 16))
    expect(rows).toEqual(
      Array.from({ length: 10 }, (_, i) => dataset.read('validation', Math.floor((i * windows) / 10) * 16, 17).join()),
    )
  })

  it('fills a batch that is larger than the split, and counts the bytes of each repetition', () => {
    const seqLen = Math.floor((cache.validation.tokens - 1) / 3)
    const single = [...dataset.validation({ batchSize: 1, seqLen })]
    const [batch, ...others] = [...dataset.validation({ batchSize: 7, seqLen })]
    expect(single.length).toBe(3)
    expect(others).toEqual([])
    const order = [0, 1, 2, 0, 1, 2, 0]
    expect(rowsOf(batch!.tokens, seqLen)).toEqual(order.map((i) => single[i]!.tokens.join()))
    expect(batch!.bytes).toBe(order.reduce((sum, i) => sum + single[i]!.bytes!, 0))
  })

  it('leaves the windows out that fill no batch', () => {
    const windows = Math.floor((cache.validation.tokens - 1) / 32)
    const batchSize = Math.floor(windows / 2) + 1
    expect([...dataset.validation({ batchSize, seqLen: 32 })].length).toBe(1)
  })

  it('refuses held-out documents that are too small, with the numbers', async () => {
    const error = await errorOf(() => [...dataset.validation({ batchSize: 1, seqLen: 50_000 })])
    expect(error.message).toContain(`the held-out documents have ${cache.validation.tokens} tokens`)
  })

  it('knows no bytes for a corpus of tokens', async () => {
    const path = put(folder, 'raw.bin', new Uint8Array(Uint16Array.from({ length: 5000 }, (_, i) => i % 99).buffer))
    const raw = await prepareDataset(await openCorpus(path), null, { cacheFolder: join(folder, 'cache') })
    const [batch] = [...raw.validation({ batchSize: 2, seqLen: 8 })]
    expect(batch).toMatchObject({ bytes: null, targets: 16 })
    raw.close()
  })
})
