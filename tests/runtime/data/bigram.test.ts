import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rng } from '#core/rng.ts'
import { bigramBitsPerByte } from '#main/runtime/data/bigram.ts'
import { openCorpus } from '#main/runtime/data/corpus.ts'
import { prepareDataset, type TokenDataset } from '#main/runtime/data/dataset.ts'
import { loadTokenizer } from '#main/runtime/data/tokenizer.ts'
import { put, temporaryFolder } from './folder.ts'

const folder = temporaryFolder()
const cacheFolder = join(folder, 'cache')

async function datasetOf(name: string, texts: readonly string[], tokenizer = 'bytes'): Promise<TokenDataset> {
  const path = put(folder, name, texts.map((text) => JSON.stringify({ text })).join('\n'))
  return prepareDataset(await openCorpus(path), await loadTokenizer(tokenizer), { cacheFolder })
}

/** Interpolated Kneser-Ney over plain maps, for one discount: bits of the whole held-out split. */
function plainBits(dataset: TokenDataset, discount: number): number {
  const tokens = (side: 'train' | 'validation'): number[] => [...dataset.read(side, 0, dataset.cache[side].tokens)]
  const pairs = new Map<string, number>()
  const train = tokens('train')
  for (let i = 1; i < train.length; i++) {
    const key = `${train[i - 1]} ${train[i]}`
    pairs.set(key, (pairs.get(key) ?? 0) + 1)
  }
  const list = [...pairs].map(([key, count]) => ({
    left: Number(key.split(' ')[0]),
    right: Number(key.split(' ')[1]),
    count,
  }))
  const probability = (left: number, right: number): number => {
    const lower = (list.filter((pair) => pair.right === right).length + 1) / (list.length + dataset.vocabSize)
    const same = list.filter((pair) => pair.left === left)
    const total = same.reduce((sum, pair) => sum + pair.count, 0)
    if (total === 0) return lower
    return (Math.max((pairs.get(`${left} ${right}`) ?? 0) - discount, 0) + discount * same.length * lower) / total
  }
  // a distribution: what all entries get adds up to one
  for (const left of [97, 32, 256, 5]) {
    const sum = Array.from({ length: dataset.vocabSize }, (_, right) => probability(left, right)).reduce(
      (a, b) => a + b,
    )
    expect(sum).toBeCloseTo(1, 10)
  }
  const held = tokens('validation')
  return held.slice(1).reduce((bits, right, i) => bits - Math.log2(probability(held[i]!, right)), 0)
}

describe('bigramBitsPerByte', () => {
  it('agrees with interpolated Kneser-Ney over plain maps', async () => {
    const draw = rng('bigram')
    const words = ['warp', 'weft', 'loom', 'heddle', 'shed', 'pick']
    const texts = Array.from({ length: 60 }, () => Array.from({ length: 12 }, () => draw.pick(words)).join(' '))
    const dataset = await datasetOf('words.jsonl', texts)
    const score = bigramBitsPerByte(dataset)
    expect(score.bitsPerByte! * dataset.cache.validation.bytes!).toBeCloseTo(plainBits(dataset, score.discount), 6)
    expect(score.bitsPerToken * (dataset.cache.validation.tokens - 1)).toBeCloseTo(
      score.bitsPerByte! * dataset.cache.validation.bytes!,
      6,
    )
    expect(score.validationTokens).toBe(dataset.cache.validation.tokens - 1)
    dataset.close()
  })

  it('needs almost nothing for what repeats and eight bits for noise', async () => {
    const cycle = await datasetOf(
      'cycle.jsonl',
      Array.from({ length: 40 }, (_, i) => 'abcdefgh'.repeat(500) + 'abcdefgh'.slice(0, i % 8)),
    )
    expect(bigramBitsPerByte(cycle).bitsPerByte).toBeLessThan(0.02)
    cycle.close()
    const draw = rng('noise')
    // 128 characters of one byte each are seven bits
    const noise = await datasetOf(
      'noise.jsonl',
      Array.from({ length: 100 }, () =>
        Array.from({ length: 5000 }, () => String.fromCharCode(draw.integer(128))).join(''),
      ),
    )
    const { bitsPerByte, unigramBitsPerByte } = bigramBitsPerByte(noise)
    expect(bitsPerByte).toBeGreaterThan(7)
    expect(bitsPerByte).toBeLessThan(7.05)
    expect(unigramBitsPerByte).toBeGreaterThan(7)
    noise.close()
  })

  it('knows no bits per byte for a corpus of tokens, and reads no more than it may', async () => {
    const path = put(folder, 'raw.bin', new Uint8Array(Uint16Array.from({ length: 20_000 }, (_, i) => i % 10).buffer))
    const raw = await prepareDataset(await openCorpus(path), null, { cacheFolder })
    const score = bigramBitsPerByte(raw, 1000)
    expect(score).toMatchObject({
      bitsPerByte: null,
      unigramBitsPerByte: null,
      trainTokens: 1000,
      validationTokens: 999,
    })
    expect(score.bitsPerToken).toBeLessThan(0.2)
    raw.close()
  })

  it('is 1.52 bits per byte on the demo with sotu-4096', async () => {
    const dataset = await prepareDataset(await openCorpus('demo'), await loadTokenizer('sotu-4096'), { cacheFolder })
    expect(bigramBitsPerByte(dataset)).toMatchObject({ bitsPerByte: expect.closeTo(1.5218, 3), discount: 0.75 })
    dataset.close()
  })
})
