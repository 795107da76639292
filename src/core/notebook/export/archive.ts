// Files as one ZIP archive, stored without compression: pictures that are text compress well wherever they end up.

import { encodeUtf8 } from '../../utf8.ts'
import type { ExportFile } from './markdown.ts'

const LOCAL = 0x04034b50,
  CENTRAL = 0x02014b50,
  END = 0x06054b50
const UTF8 = 1 << 11
/** 1980-01-01: the first date that the format can hold, the same for the same content. */
const DATE = 33

let table: Uint32Array | undefined

/** CRC-32 of bytes (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    return c
  })
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** The archive as bytes. */
export function zipOf(files: readonly ExportFile[]): Uint8Array<ArrayBuffer> {
  const entries = files.map(({ name, text }) => ({ name: encodeUtf8(name), body: encodeUtf8(text) }))
  const size = entries.reduce((sum, { name, body }) => sum + 30 + 46 + 2 * name.length + body.length, 22)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  const number = (value: number, width: 2 | 4): void => {
    if (width === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    at += width
  }
  const put = (part: Uint8Array): void => {
    bytes.set(part, at)
    at += part.length
  }
  const fields = (name: Uint8Array, body: Uint8Array): void => {
    for (const value of [UTF8, 0, 0, DATE]) number(value, 2)
    number(crc32(body), 4)
    number(body.length, 4)
    number(body.length, 4)
    number(name.length, 2)
    number(0, 2)
  }
  const places = entries.map(({ name, body }) => {
    const place = at
    number(LOCAL, 4)
    number(20, 2)
    fields(name, body)
    put(name)
    put(body)
    return place
  })
  const start = at
  entries.forEach(({ name, body }, i) => {
    number(CENTRAL, 4)
    number(20, 2)
    number(20, 2)
    fields(name, body)
    for (const value of [0, 0, 0]) number(value, 2)
    number(0, 4)
    number(places[i]!, 4)
    put(name)
  })
  const length = at - start
  number(END, 4)
  for (const value of [0, 0, entries.length, entries.length]) number(value, 2)
  number(length, 4)
  number(start, 4)
  number(0, 2)
  return bytes
}
