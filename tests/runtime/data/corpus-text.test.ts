import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { rng } from '#core/rng.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCorpus, type CorpusSource } from '#main/runtime/data/corpus.ts'
import { cutPlace } from '#main/runtime/data/sources/text.ts'
import { collect, errorOf, put, temporaryFolder } from './folder.ts'

const folder = temporaryFolder()

/** Reads all documents and gives the error. */
const readError = (from: string | CorpusSource) => errorOf(async () => collect(await openCorpus(from)))

const contents = async (from: string | CorpusSource): Promise<string[]> =>
  (await collect(await openCorpus(from))).map(({ content }) => content as string)

describe('text files', () => {
  it('cuts a long file into documents that together are the file', async () => {
    const draw = rng('text')
    const paragraphs = Array.from({ length: 3000 }, () => `${'wörd 😀 '.repeat(draw.integer(40))}\n${draw.integer(9)}`)
    const text = paragraphs.join('\n\n')
    const path = put(folder, 'long.txt', text)
    const documents = await collect(await openCorpus(path))
    expect(documents.map(({ content }) => content).join('')).toBe(text)
    expect(documents.length).toBeGreaterThanOrEqual(32)
    expect(documents.slice(0, -1).every(({ content }) => (content as string).endsWith('\n\n'))).toBe(true)
    expect(new Set(documents.map(({ id }) => id)).size).toBe(documents.length)
    expect(documents.every(({ group }) => group === undefined)).toBe(true)
  })

  it('cuts at the best place and never inside a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\n\n', '😀') }),
        fc.nat(50),
        fc.integer({ min: 1, max: 50 }),
        (text, from, length) => {
          const start = Math.min(from, text.length)
          const end = cutPlace(text, start, start + length)
          expect(end).toBeLessThanOrEqual(Math.max(text.length, start))
          if (start < text.length) expect(end).toBeGreaterThan(start)
          const isWithin = text.slice(start).isWellFormed() && length > 1
          if (isWithin) expect(text.slice(start, end).isWellFormed()).toBe(true)
        },
      ),
    )
    expect(cutPlace('one two\n\nthree\nfour five', 0, 14)).toBe(9)
    expect(cutPlace('one, two\nthree four', 0, 12)).toBe(9)
    expect(cutPlace('one two three', 0, 11)).toBe(7)
  })

  it('keeps a short file whole, without its byte order mark', async () => {
    expect(await contents(put(folder, 'short.md', '\ufeffwarp and weft\n'))).toEqual(['warp and weft\n'])
  })

  it('divides files at a separator, also one that lies across two blocks', async () => {
    const filler = 'x'.repeat(2 ** 18 - 5)
    const path = put(folder, 'stories.txt', `${filler}<|endoftext|>\nsecond\n<|endoftext|>\n\n<|endoftext|>third`)
    expect(await contents({ path, separator: '<|endoftext|>' })).toEqual([filler, 'second', 'third'])
  })

  it('reads the text files of a folder by name, in the folders in it too, and holds out whole files when there are many', async () => {
    put(folder, 'tree/b.txt', 'b')
    put(folder, 'tree/a/z.md', 'z')
    put(folder, 'tree/.hidden.txt', 'no')
    put(folder, 'tree/empty.txt', '')
    put(folder, 'tree/image.png', 'no')
    const documents = await collect(await openCorpus(join(folder, 'tree')))
    expect(documents.map(({ id, content, group }) => [id, content, group])).toEqual([
      ['a/z.md#1', 'z', undefined],
      ['b.txt#1', 'b', undefined],
    ])
    expect(await contents({ path: join(folder, 'tree'), extension: 'md' })).toEqual(['z'])
    for (let i = 0; i < 20; i++) put(folder, `many/${i}.txt`, `file ${i} ${'word '.repeat(1000)}`)
    const many = await collect(await openCorpus(join(folder, 'many')))
    expect(many.length).toBeGreaterThan(20)
    expect(new Set(many.map(({ group }) => group)).size).toBe(20)
  })

  it('follows links to files, not to folders', async () => {
    put(folder, 'links/real.txt', 'real')
    symlinkSync(join(folder, 'links', 'real.txt'), join(folder, 'links', 'again.txt'))
    symlinkSync(join(folder, 'links'), join(folder, 'links', 'loop'))
    expect(await contents(join(folder, 'links'))).toEqual(['real', 'real'])
  })

  it('counts the bytes it reads and stops when it is cancelled', async () => {
    const path = put(folder, 'counted.txt', 'word '.repeat(300_000))
    const corpus = await openCorpus(path)
    let bytes = 0
    await collect(corpus.documents({ onRead: (more) => (bytes += more) }))
    expect(bytes).toBe(1_500_000)
    expect(corpus.totalBytes).toBe(1_500_000)
    const controller = new AbortController()
    let documents = 0
    const error = await errorOf(async () => {
      for await (const _ of corpus.documents({ signal: controller.signal })) if (++documents === 3) controller.abort()
    })
    expect(error.code).toBe('job-cancelled')
    expect(documents).toBe(3)
  })
})

describe('the demo', () => {
  it('has 233 addresses of 10.7 MB, each one document', async () => {
    const corpus = await openCorpus('demo')
    const documents = await collect(corpus)
    expect(documents.length).toBe(233)
    expect(corpus.totalBytes).toBe(10_761_413)
    expect(documents.reduce((sum, { content }) => sum + Buffer.byteLength(content as string), 0)).toBe(10_761_413)
    expect(documents[0]!.content).toMatch(/^Fellow-Citizens of the Senate/)
    expect(await openCorpus({ kind: 'demo' })).toMatchObject({ fingerprint: corpus.fingerprint, name: 'demo' })
  })
})

describe('text that is none', () => {
  it('names the NUL byte of a binary file', async () => {
    const error = await readError(put(folder, 'binary.txt', Buffer.from([72, 105, 0, 1])))
    expect(error).toMatchObject({ code: 'corpus-invalid', path: join(folder, 'binary.txt') })
    expect(error.message).toContain('byte 2 is NUL')
    const late = Buffer.concat([Buffer.alloc(300_000, 'a'), Buffer.from([0])])
    expect((await readError(put(folder, 'late.txt', late))).message).toContain('byte 300000 is NUL')
  })

  it('refuses what is not UTF-8', async () => {
    expect((await readError(put(folder, 'latin1.txt', Buffer.from([0x66, 0xfc, 0x72])))).message).toContain('not UTF-8')
    const cut = Buffer.from('abc 😀').subarray(0, -1)
    expect((await readError(put(folder, 'cut.txt', cut))).message).toContain('ends within a UTF-8 character')
  })

  it('accepts a character that lies across two blocks', async () => {
    const text = `${'a'.repeat(2 ** 18 - 2)}😀${'b'.repeat(10)}`
    expect((await contents(put(folder, 'across.txt', text))).join('')).toBe(text)
  })
})

describe('paths that lead nowhere', () => {
  it('says what is wrong with them', async () => {
    expect(await readError(join(folder, 'nothing.txt'))).toMatchObject({ code: 'file-missing', hint: 'check the path' })
    expect(await readError(put(folder, 'empty.txt', ''))).toMatchObject({
      code: 'corpus-invalid',
      message: 'the file is empty',
    })
    mkdirSync(join(folder, 'bare'))
    expect((await readError(join(folder, 'bare'))).message).toContain('holds no file with .txt')
    expect((await readError({ path: join(folder, 'bare'), kind: 'jsonl' })).message).toContain(
      'holds no file with .jsonl',
    )
    expect((await readError(put(folder, 'corpus.txt.gz', 'x'))).message).toContain('end in .gz are not read')
    expect(await readError('a\0b')).toMatchObject({ code: 'file-missing' })
    expect((await readError({})).message).toContain('no path')
    put(folder, 'mixed/a.txt', 'a')
    put(folder, 'mixed/b.jsonl', '{"text":"b"}')
    expect((await readError(join(folder, 'mixed'))).message).toContain('several kinds: 1 of .txt')
    expect(await contents({ path: join(folder, 'mixed'), kind: 'jsonl' })).toEqual(['b'])
    expect(await contents({ path: join(folder, 'mixed'), extension: '.jsonl' })).toEqual(['b'])
  })

  // root may read everything, and Windows has no such permission
  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('names a missing permission', async () => {
    const path = put(folder, 'secret.txt', 'x')
    chmodSync(path, 0)
    expect(await readError(path)).toMatchObject({ code: 'file-missing', path })
  })

  it('refuses fields that mean nothing or are out of range', async () => {
    const path = put(folder, 'plain.txt', 'x')
    const wrong = [
      { path, field: 'text' },
      { path, kind: 'loom' },
      { path, kind: 'constructor' },
      { path, separator: '' },
      { path, color: 'red' },
      { path: put(folder, 'plain.bin', 'xx'), dtype: 'float32' },
      { path: put(folder, 'plain.bin', 'xx'), endOfDocument: -1 },
      { path: 7 },
      { path, extension: 7 },
    ]
    for (const source of wrong) expect((await readError(source as unknown as CorpusSource)).code).toBe('corpus-invalid')
  })
})

describe('the fingerprint', () => {
  it('changes with the files and the description', async () => {
    const path = put(folder, 'print.txt', 'one')
    const first = (await openCorpus(path)).fingerprint
    expect((await openCorpus({ path, kind: 'text' })).fingerprint).toBe(first)
    expect((await openCorpus({ path, separator: '|' })).fingerprint).not.toBe(first)
    put(folder, 'print.txt', 'three')
    expect((await openCorpus(path)).fingerprint).not.toBe(first)
  })
})
