/** Cuts a text into runs of matched and other letters, for showing where a query matched. */
export function splitAt(text: string, places: readonly number[]): { readonly text: string; readonly hit: boolean }[] {
  const hits = new Set(places)
  const parts: { text: string; hit: boolean }[] = []
  for (let i = 0; i < text.length; i++) {
    const hit = hits.has(i)
    const last = parts.at(-1)
    if (last !== undefined && last.hit === hit) last.text += text[i]
    else parts.push({ text: text[i]!, hit })
  }
  return parts
}
