// A zip file from files on disk: deflated, streamed, with the zip64 fields where a size or offset passes 4 GiB.
// Format: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.

import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { crc32, createDeflateRaw } from 'node:zlib'

/** One file of the archive. */
export interface ZipEntry {
  /** The path inside the archive, with forward slashes. */
  readonly name: string
  /** The file on disk. */
  readonly path: string
}

interface Written {
  readonly name: Buffer
  readonly offset: number
  readonly crc: number
  readonly bytes: number
  readonly compressed: number
  readonly time: number
}

const LIMIT = 0xffffffff
/** deflate, version 4.5 (zip64) needed to read, names in UTF-8 */
const METHOD = 8
const VERSION = 45
const UTF8_NAMES = 0x800

/** Writes an archive; `zip64` forces the large form on small files, for tests. Returns the archive's size in bytes. */
export async function writeZip(
  path: string,
  entries: readonly ZipEntry[],
  options: { readonly zip64?: boolean } = {},
): Promise<number> {
  const file = await open(path, 'w')
  try {
    const written: Written[] = []
    let offset = 0
    for (const entry of entries) {
      const one = await writeEntry(file, offset, entry)
      written.push(one)
      offset += localHeader(one).length + one.compressed
    }
    const limit = options.zip64 === true ? 0 : LIMIT
    const directory = Buffer.concat(written.map((one) => centralHeader(one, limit)))
    const end = endOfDirectory(written.length, directory.length, offset, limit)
    await writeAll(file, Buffer.concat([directory, end]), offset)
    await file.sync()
    return offset + directory.length + end.length
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
}

async function writeEntry(file: FileHandle, offset: number, entry: ZipEntry): Promise<Written> {
  const { mtime } = await stat(entry.path)
  const name = Buffer.from(entry.name, 'utf8')
  const blank = { name, offset, crc: 0, bytes: 0, compressed: 0, time: dosTime(mtime) }
  const start = offset + localHeader(blank).length
  let crc = 0
  let bytes = 0
  let compressed = 0
  async function* source(): AsyncGenerator<Buffer> {
    for await (const piece of createReadStream(entry.path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      crc = crc32(piece, crc)
      bytes += piece.length
      yield piece
    }
  }
  const deflate = createDeflateRaw({ level: 1, chunkSize: 1 << 18 })
  const input = Readable.from(source(), { objectMode: false })
  input.on('error', (error) => deflate.destroy(error))
  for await (const piece of input.pipe(deflate) as AsyncIterable<Buffer>) {
    await writeAll(file, piece, start + compressed)
    compressed += piece.length
  }
  const written = { ...blank, crc, bytes, compressed }
  await writeAll(file, localHeader(written), offset)
  return written
}

// seconds in steps of two, from 1980 on, in local time
function dosTime(time: Date): number {
  const date = (Math.max(0, time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate()
  return ((date << 16) | (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1)) >>> 0
}

// the sizes of the local header stand in a zip64 field always: they are not known when its place is taken
function localHeader(one: Written): Buffer {
  const header = Buffer.alloc(30 + one.name.length + 20)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(UTF8_NAMES, 6)
  header.writeUInt16LE(METHOD, 8)
  header.writeUInt32LE(one.time, 10)
  header.writeUInt32LE(one.crc, 14)
  header.writeUInt32LE(LIMIT, 18)
  header.writeUInt32LE(LIMIT, 22)
  header.writeUInt16LE(one.name.length, 26)
  header.writeUInt16LE(20, 28)
  one.name.copy(header, 30)
  zip64Field([one.bytes, one.compressed]).copy(header, 30 + one.name.length)
  return header
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length)
  field.writeUInt16LE(1, 0)
  field.writeUInt16LE(8 * values.length, 2)
  values.forEach((value, i) => field.writeBigUInt64LE(BigInt(value), 4 + 8 * i))
  return field
}

function centralHeader(one: Written, limit: number): Buffer {
  const large = [one.bytes, one.compressed, one.offset].filter((value) => value >= limit)
  const extra = large.length > 0 ? zip64Field(large) : Buffer.alloc(0)
  const short = (value: number): number => (value >= limit ? LIMIT : value)
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  // made on a Unix system (3), so that the mode below is understood
  header.writeUInt16LE((3 << 8) | VERSION, 4)
  header.writeUInt16LE(VERSION, 6)
  header.writeUInt16LE(UTF8_NAMES, 8)
  header.writeUInt16LE(METHOD, 10)
  header.writeUInt32LE(one.time, 12)
  header.writeUInt32LE(one.crc, 16)
  header.writeUInt32LE(short(one.compressed), 20)
  header.writeUInt32LE(short(one.bytes), 24)
  header.writeUInt16LE(one.name.length, 28)
  header.writeUInt16LE(extra.length, 30)
  header.writeUInt32LE((0o100644 << 16) >>> 0, 38)
  header.writeUInt32LE(short(one.offset), 42)
  return Buffer.concat([header, one.name, extra])
}

function endOfDirectory(count: number, bytes: number, offset: number, limit: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  const short = Math.min(count, 0xffff)
  end.writeUInt16LE(short, 8)
  end.writeUInt16LE(short, 10)
  end.writeUInt32LE(Math.min(bytes, LIMIT), 12)
  end.writeUInt32LE(offset >= limit ? LIMIT : offset, 16)
  if (count < 0xffff && bytes < limit && offset < limit) return end
  const large = Buffer.alloc(56)
  large.writeUInt32LE(0x06064b50, 0)
  large.writeBigUInt64LE(44n, 4)
  large.writeUInt16LE((3 << 8) | VERSION, 12)
  large.writeUInt16LE(VERSION, 14)
  large.writeBigUInt64LE(BigInt(count), 24)
  large.writeBigUInt64LE(BigInt(count), 32)
  large.writeBigUInt64LE(BigInt(bytes), 40)
  large.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([large, locator, end])
}
