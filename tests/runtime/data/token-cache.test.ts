import { existsSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultCacheFolder } from '#main/runtime/data/cache-folder.ts'
import { openCorpus } from '#main/runtime/data/corpus.ts'
import { openDataset } from '#main/runtime/data/dataset.ts'
import { splitPoint } from '#main/runtime/data/split.ts'
import { cacheTokens } from '#main/runtime/data/token-cache.ts'
import { loadTokenizer } from '#main/runtime/data/tokenizer.ts'
import { attributeBytes } from '#main/runtime/data/write-splits.ts'
import type { Progress } from '#main/runtime/progress.ts'
import { errorOf, put, temporaryFolder } from './folder.ts'

const folder = temporaryFolder()
const bytes = await loadTokenizer('bytes')
const sotu = await loadTokenizer('sotu-4096')
let caches = 0
const freshCache = (): string => join(folder, `cache-${caches++}`)

const texts = Array.from({ length: 60 }, (_, i) => `document ${i}: ${'wörp and weft 😀 '.repeat(i % 9)}`)
const lines = put(folder, 'texts.jsonl', texts.map((text) => JSON.stringify({ text })).join('\n'))

describe('cacheTokens', () => {
  it.each([bytes, sotu])('keeps every document of both splits, exactly ($name)', async (tokenizer) => {
    const split = { seed: 5, heldOut: 0.25 }
    const cache = await cacheTokens(await openCorpus(lines), tokenizer, { cacheFolder: freshCache(), split })
    const dataset = openDataset(cache)
    const isHeldOut = (text: string): boolean => splitPoint(5, { id: '', content: text }) < 0.25
    const expected = { train: texts.filter((text) => !isHeldOut(text)), validation: texts.filter(isHeldOut) }
    for (const side of ['train', 'validation'] as const) {
      const wanted = expected[side]
      expect(wanted.length).toBeGreaterThan(5)
      const found = wanted.map((_, number) => tokenizer.decode(dataset.document(side, number)))
      expect(found).toEqual(wanted)
      const tokens = wanted.map((text) => [...tokenizer.encode(text)])
      const end = tokenizer.endOfDocument!
      expect([...dataset.read(side, 0, cache[side].tokens)]).toEqual([end, ...tokens.flatMap((ids) => [...ids, end])])
      expect(cache[side]).toEqual({
        documents: wanted.length,
        tokens: 1 + wanted.length + tokens.flat().length,
        bytes: Buffer.byteLength(wanted.join('')),
      })
    }
    expect(dataset.validationBytes(0, cache.validation.tokens)).toBe(cache.validation.bytes)
    dataset.close()
  })

  it('tokenises once', async () => {
    const cacheFolder = freshCache()
    const first = await cacheTokens(await openCorpus(lines), bytes, { cacheFolder })
    let calls = 0
    const second = await cacheTokens(await openCorpus(lines), bytes, { cacheFolder, onProgress: () => calls++ })
    expect(first.isReused).toBe(false)
    expect(second).toEqual({ ...first, isReused: true })
    expect(calls).toBe(0)
    expect(readdirSync(cacheFolder).length).toBe(1)
  })

  it('does so anew for another file, tokenizer, seed or share', async () => {
    const cacheFolder = freshCache()
    const path = put(folder, 'changing.jsonl', readFileSync(lines, 'utf8'))
    const make = async (tokenizer = bytes, seed = 0, heldOut = 0.1) =>
      (await cacheTokens(await openCorpus(path), tokenizer, { cacheFolder, split: { seed, heldOut } })).folder
    const folders = [await make(), await make(sotu), await make(bytes, 1), await make(bytes, 0, 0.2)]
    utimesSync(path, new Date(), new Date(1e9))
    folders.push(await make())
    expect(new Set(folders).size).toBe(5)
  })

  it('makes a damaged cache again', async () => {
    const cacheFolder = freshCache()
    const make = async () => cacheTokens(await openCorpus(lines), bytes, { cacheFolder })
    const { folder: made, isReused: _, ...record } = await make()
    const whole = readFileSync(join(made, 'train.bin'))
    for (const damage of [
      () => truncateSync(join(made, 'train.bin'), 10),
      () => truncateSync(join(made, 'validation.bytes'), 4),
      () => writeFileSync(join(made, 'tokens.json'), '{"format":1'),
      () => writeFileSync(join(made, 'tokens.json'), '{"format":1}'),
      () => writeFileSync(join(made, 'tokens.json'), 'null'),
    ]) {
      damage()
      expect(await make()).toEqual({ ...record, folder: made, isReused: false })
      expect(readFileSync(join(made, 'train.bin')).equals(whole)).toBe(true)
      expect(readdirSync(cacheFolder).length).toBe(1)
    }
  })

  it('makes one cache when two begin at once', async () => {
    const cacheFolder = freshCache()
    const make = async () => cacheTokens(await openCorpus(lines), bytes, { cacheFolder })
    const made = await Promise.all([make(), make(), make()])
    expect(new Set(made.map((cache) => cache.folder)).size).toBe(1)
    expect(readdirSync(cacheFolder).length).toBe(1)
  })

  it('leaves nothing behind when it fails or is cancelled, and clears what a crash left long ago', async () => {
    const cacheFolder = freshCache()
    const broken = put(folder, 'broken.jsonl', '{"text":"fine"}\n{"text":')
    expect((await errorOf(async () => cacheTokens(await openCorpus(broken), bytes, { cacheFolder }))).code).toBe(
      'corpus-invalid',
    )
    expect(readdirSync(cacheFolder)).toEqual([])
    const controller = new AbortController()
    const large = put(folder, 'large.txt', 'some words\n\n'.repeat(200_000))
    const cancelled = await errorOf(async () =>
      cacheTokens(await openCorpus(large), bytes, {
        cacheFolder,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      }),
    )
    expect(cancelled.code).toBe('job-cancelled')
    expect(readdirSync(cacheFolder)).toEqual([])
    const leftover = put(cacheFolder, `tokens-${'0'.repeat(32)}.0123456789ab.tmp/train.bin`, 'x')
    const recent = put(cacheFolder, `tokens-${'0'.repeat(32)}.ba9876543210.tmp/train.bin`, 'x')
    const foreign = put(cacheFolder, 'mine.tmp/train.bin', 'x')
    const old = new Date(Date.now() - 8 * 24 * 60 * 60 * 1000)
    for (const path of [leftover, foreign]) utimesSync(join(path, '..'), old, old)
    await cacheTokens(await openCorpus(lines), bytes, { cacheFolder })
    expect([leftover, recent, foreign].map((path) => existsSync(path))).toEqual([false, true, true])
  })

  it('notices a file that grows while it is read', async () => {
    const path = put(folder, 'growing.txt', 'some words\n\n'.repeat(100_000))
    const grow = (): void => writeFileSync(path, 'more', { flag: 'a' })
    const error = await errorOf(async () =>
      cacheTokens(await openCorpus(path), bytes, { cacheFolder: freshCache(), onProgress: grow }),
    )
    expect(error).toMatchObject({ code: 'corpus-invalid', path })
    expect(error.message).toContain('changed while it was tokenised')
  })

  it('reports progress up to the whole', async () => {
    const path = put(
      folder,
      'progress.txt',
      Array.from({ length: 200_000 }, (_, i) => `${100_000 + i}\n\n.\n\n`).join(''),
    )
    const seen: Progress[] = []
    await cacheTokens(await openCorpus(path), bytes, {
      cacheFolder: freshCache(),
      onProgress: (progress) => seen.push(progress),
    })
    expect(seen.length).toBeGreaterThan(5)
    expect(seen.at(-1)).toMatchObject({ phase: 'tokenise', done: 2_200_000, total: 2_200_000, unit: 'bytes' })
    expect(seen.every((progress, i) => i === 0 || progress.done >= seen[i - 1]!.done)).toBe(true)
  })

  it('says when the cache folder cannot be written', async () => {
    const blocked = put(folder, 'a-file', 'x')
    const error = await errorOf(async () =>
      cacheTokens(await openCorpus(lines), bytes, { cacheFolder: join(blocked, 'below') }),
    )
    expect(error.code).toBe('file-missing')
  })
})

describe('the split', () => {
  it('puts equal documents on one side, whatever their number and order', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), (text, seed) => {
        const point = splitPoint(seed, { id: 'a', content: text })
        expect(splitPoint(seed, { id: 'b', content: text })).toBe(point)
        expect(point >= 0 && point < 1).toBe(true)
      }),
    )
    expect(splitPoint(1, { id: 'a', content: 'x', group: 'g' })).toBe(
      splitPoint(1, { id: 'b', content: 'y', group: 'g' }),
    )
  })

  it('holds out the asked share', () => {
    const held = Array.from({ length: 10_000 }, (_, i) => splitPoint(3, { id: '', content: `text ${i}` }) < 0.1).filter(
      Boolean,
    )
    // 1,000 ± four standard deviations
    expect(Math.abs(held.length - 1000)).toBeLessThan(120)
  })

  it('leaves neither side empty when documents are few', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const path = put(folder, `two-${seed}.jsonl`, '{"text":"warp"}\n{"text":"weft"}')
      for (const heldOut of [0.1, 0.9]) {
        const cache = await cacheTokens(await openCorpus(path), bytes, {
          cacheFolder: freshCache(),
          split: { seed, heldOut },
        })
        expect([cache.train.documents, cache.validation.documents]).toEqual([1, 1])
        expect(cache.split).toEqual({ seed, heldOut })
        expect(cache.validation.tokens).toBe(6)
      }
    }
  })

  it('refuses a corpus that cannot be divided, and shares out of range', async () => {
    const single = put(folder, 'single.jsonl', '{"text":"same"}\n{"text":"same"}\n')
    const error = await errorOf(async () => cacheTokens(await openCorpus(single), bytes, { cacheFolder: freshCache() }))
    expect(error.message).toContain('only one distinct document')
    const blank = put(folder, 'blank.jsonl', '{"text":""}\n\n')
    expect(
      (await errorOf(async () => cacheTokens(await openCorpus(blank), bytes, { cacheFolder: freshCache() }))).message,
    ).toBe('the corpus holds no text')
    for (const split of [
      { seed: 0, heldOut: 0 },
      { seed: 0, heldOut: 1 },
      { seed: 0.5, heldOut: 0.1 },
      { seed: 0, heldOut: NaN },
    ]) {
      expect((await errorOf(async () => cacheTokens(await openCorpus(lines), bytes, { split }))).code).toBe(
        'param-invalid',
      )
    }
    expect((await errorOf(async () => cacheTokens(await openCorpus(lines), null))).code).toBe('tokenizer-invalid')
  })
})

describe('token corpora', () => {
  const ids = Array.from({ length: 3000 }, (_, i) => (i % 50 === 49 ? 9 : i % 7))
  const raw16 = put(folder, 'raw.bin', new Uint8Array(Uint16Array.from(ids).buffer))

  it('have no bytes, and a vocabulary of the largest id where none is given', async () => {
    const cache = await cacheTokens(await openCorpus({ path: raw16, endOfDocument: 9 }), null, {
      cacheFolder: freshCache(),
    })
    expect(cache).toMatchObject({ vocabSize: 10, endOfDocument: 9, dtype: 'uint16', tokenizer: null })
    expect([cache.train.bytes, cache.validation.bytes]).toEqual([null, null])
    expect(cache.train.documents + cache.validation.documents).toBe(60)
    const dataset = openDataset(cache)
    expect([...dataset.document('train', 0)]).toHaveLength(49)
    expect(dataset.validationBytes(0, 10)).toBe(null)
    dataset.close()
    expect(await cacheTokens(await openCorpus(raw16), sotu, { cacheFolder: freshCache() })).toMatchObject({
      vocabSize: 4096,
      endOfDocument: null,
    })
  })

  it('keep ids of more than 16 bits, and are refused outside the vocabulary', async () => {
    const large = Uint32Array.from({ length: 1000 }, (_, i) => (i === 777 ? 70_000 : i))
    const path = put(folder, 'raw32.bin', new Uint8Array(large.buffer))
    const cache = await cacheTokens(await openCorpus({ path, dtype: 'uint32' }), null, { cacheFolder: freshCache() })
    expect(cache).toMatchObject({ vocabSize: 70_001, dtype: 'uint32' })
    const dataset = openDataset(cache)
    const all = (['train', 'validation'] as const).flatMap((side) => [...dataset.read(side, 0, cache[side].tokens)])
    expect(all.sort((a, b) => a - b)).toEqual([...large].sort((a, b) => a - b))
    dataset.close()
    const error = await errorOf(async () =>
      cacheTokens(await openCorpus({ path, dtype: 'uint32' }), sotu, { cacheFolder: freshCache() }),
    )
    expect(error.message).toMatch(/holds token \d+, but the vocabulary has 4096 entries/)
  })
})

describe('attributeBytes', () => {
  it('gives each token its own bytes where they add up', () => {
    expect([...attributeBytes(Uint32Array.of(1, 2, 3), 6, { tokenBytes: (id) => id })]).toEqual([1, 2, 3])
  })

  it('adds up to the document whatever the tokenizer says', () => {
    fc.assert(
      fc.property(fc.uint32Array({ max: 9, minLength: 1, maxLength: 50 }), fc.nat(500), (ids, total) => {
        const shares = attributeBytes(ids, total, { tokenBytes: (id) => id })
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total)
        expect(shares.every((share) => share <= total)).toBe(true)
      }),
    )
  })
})

describe('defaultCacheFolder', () => {
  it('follows the custom of each system', () => {
    expect(defaultCacheFolder({ XDG_CACHE_HOME: '/cache' }, 'linux')).toBe(join('/cache', 'heddle'))
    expect(defaultCacheFolder({ XDG_CACHE_HOME: 'relative' }, 'linux')).toMatch(/\.cache.heddle$/)
    expect(defaultCacheFolder({ LOCALAPPDATA: 'C:\\data' }, 'win32')).toContain('Cache')
    expect(defaultCacheFolder({}, 'darwin')).toMatch(/Library.Caches.heddle$/)
  })
})
