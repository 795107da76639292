// The byte-level alphabet of GPT-2, in which tokenizer.json files write their tokens: each byte is one printable character,
// itself where Latin-1 has one, otherwise a character from U+0100 on.

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae

let spare = 0x100

/** The character of each byte. */
export const BYTE_CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(isPrintable(byte) ? byte : spare++),
)

const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]))

/** Writes bytes in the alphabet. */
export function toByteCharacters(bytes: ArrayLike<number>): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += BYTE_CHARACTERS[bytes[i]!]!
  return text
}

/** The bytes that a token stands for, or undefined when it holds a character outside the alphabet. */
export function fromByteCharacters(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length)
  for (let i = 0; i < token.length; i++) {
    const byte = BYTES.get(token[i]!)
    if (byte === undefined) return undefined
    bytes[i] = byte
  }
  return bytes
}

/**
 * Cuts a text into the words inside which pairs are merged: the `ByteLevel` split of tokenizer.json, which is GPT-2's.
 * A run of characters of more than about a million units that is all one word overflows the regular expression's stack.
 */
export function splitWords(text: string): string[] {
  return text.match(/'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) ?? []
}
