// Lists of whole numbers as they are typed: `64, 256 1024`. Pure.

/** The numbers in the order in which they were typed, each once; undefined where one is not whole or out of range. */
export function readList(
  text: string,
  { min, max, most }: { min: number; max: number; most: number },
): number[] | undefined {
  const words = text.split(/[\s,;]+/).filter(Boolean)
  const values = words.map((word) =>
    /^\d+(k?)$/i.test(word) ? Number.parseInt(word, 10) * (/k$/i.test(word) ? 1024 : 1) : NaN,
  )
  const isFine = values.length > 0 && values.length <= most && values.every((v) => v >= min && v <= max)
  return isFine ? [...new Set(values)] : undefined
}

/** What is wrong with a typed list. */
export const listRule = ({ min, max, most }: { min: number; max: number; most: number }): string =>
  `one to ${most} whole numbers from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}, with commas between`
