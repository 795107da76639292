import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HeddleError } from '#core/errors.ts'
import { encodeSafetensors } from '#core/model/safetensors.ts'
import { readSafetensorsFile, writeFileAtomic } from '#main/runtime/files.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('writeFileAtomic', () => {
  it('writes chunks in order and replaces the old content', async () => {
    const path = join(folder, 'a.bin')
    await writeFileAtomic(path, [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)])
    expect([...readFileSync(path)]).toEqual([1, 2, 3])
    await writeFileAtomic(
      path,
      (async function* () {
        yield Uint8Array.of(9)
      })(),
    )
    expect([...readFileSync(path)]).toEqual([9])
    expect(readdirSync(folder)).toEqual(['a.bin'])
  })

  it('keeps the old content and leaves no temporary file when the chunks fail', async () => {
    const path = join(folder, 'a.bin')
    writeFileSync(path, 'old')
    const failing = function* (): Generator<Uint8Array> {
      yield new Uint8Array(100_000)
      expect(readdirSync(folder).length).toBe(2)
      throw new Error('no more data')
    }
    await expect(writeFileAtomic(path, failing())).rejects.toThrow('no more data')
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['a.bin'])
  })

  it('names the path when the folder is missing or the path is a folder', async () => {
    const missing = join(folder, 'none', 'a.bin')
    await expect(writeFileAtomic(missing, [])).rejects.toMatchObject({ code: 'file-unwritable', path: missing })
    const taken = join(folder, 'taken')
    mkdirSync(taken)
    await expect(writeFileAtomic(taken, [Uint8Array.of(1)])).rejects.toMatchObject({
      code: 'file-unwritable',
      path: taken,
    })
    expect(readdirSync(folder)).toEqual(['taken'])
  })

  it('lets several writers of one path finish in any order', async () => {
    const path = join(folder, 'a.bin')
    await Promise.all([1, 2, 3, 4].map((n) => writeFileAtomic(path, [new Uint8Array(50_000).fill(n)])))
    const bytes = readFileSync(path)
    expect(bytes.length).toBe(50_000)
    expect(bytes.every((byte) => byte === bytes[0])).toBe(true)
    expect(readdirSync(folder)).toEqual(['a.bin'])
  })
})

describe('readSafetensorsFile', () => {
  const write = async (name: string): Promise<string> => {
    const path = join(folder, name)
    const tensors = [
      { name: 'w', dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) },
      { name: 'big', dtype: 'I32', shape: [500_000], data: new Int32Array(500_000).fill(-5) },
    ] as const
    await writeFileAtomic(path, encodeSafetensors(tensors, { step: '7' }))
    return path
  }

  it('reads single tensors until it is closed', async () => {
    const file = readSafetensorsFile(await write('m.safetensors'))
    expect(file.metadata.get('step')).toBe('7')
    expect([...file.readFloats('w')]).toEqual([1, 2, 3])
    expect(file.read('big').length).toBe(500_000)
    expect(file.read('big')[499_999]).toBe(-5)
    file.close()
    file.close()
    expect(() => file.read('w')).toThrow(/closed/)
  })

  it('names the file in errors and keeps none open', async () => {
    expect(() => readSafetensorsFile(join(folder, 'none'))).toThrow(HeddleError)
    expect(() => readSafetensorsFile(folder)).toThrow(expect.objectContaining({ code: 'file-missing' }))
    const path = await write('m.safetensors')
    truncateSync(path, 2000)
    const before = openDescriptors()
    expect(() => readSafetensorsFile(path)).toThrow(expect.objectContaining({ code: 'file-invalid' }))
    expect(() => readSafetensorsFile(path)).toThrow(/m\.safetensors: safetensors: the tensor "\w+" reaches/)
    expect(openDescriptors()).toBe(before)
  })

  it('notices a file that is cut after opening', async () => {
    const path = await write('m.safetensors')
    const file = readSafetensorsFile(path)
    truncateSync(path, 2000)
    expect(() => file.read('big')).toThrow(expect.objectContaining({ code: 'file-invalid', path: 'big' }))
    file.close()
  })
})

/** Descriptors of this process, where the system tells; else a constant. */
function openDescriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}
