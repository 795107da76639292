// JSON.parse keeps the last of two equal keys without a word, so a file could show one header to us and another to a
// reader that keeps the first.

/** Returns a key that occurs twice in one object of a valid JSON text, if there is one. */
export function duplicateKey(json: string): string | undefined {
  // one set of keys per open object; arrays have none
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < json.length; at++) {
    const char = json[at]!
    if (char === '{') open.push(new Set())
    else if (char === '[') open.push(undefined)
    else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const end = stringEnd(json, at)
      const keys = open.at(-1)
      if (keys !== undefined && isFollowedByColon(json, end)) {
        const key = JSON.parse(json.slice(at, end)) as string
        if (keys.has(key)) return key
        keys.add(key)
      }
      at = end - 1
    }
  }
  return undefined
}

/** The position behind the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

function isFollowedByColon(json: string, from: number): boolean {
  let at = from
  while (' \t\n\r'.includes(json[at] ?? ':')) at++
  return json[at] === ':'
}
