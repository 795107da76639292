// Numbers for people: three significant digits with a prefix, the unit apart from it, and the exact value for tooltips
// and for the clipboard. Pure.

/** A number ready to print: `text` + thin space + `unit`. */
export interface FormattedNumber {
  readonly text: string
  readonly unit: string
}

/** Stands for a value that does not exist. */
export const NO_VALUE = '–'
export const THIN_SPACE = '\u2009'
const MINUS = '\u2212'

interface Step {
  readonly factor: number
  readonly unit: string
}

const SECONDS: readonly Step[] = [
  { factor: 1e-9, unit: 'ns' },
  { factor: 1e-6, unit: 'µs' },
  { factor: 1e-3, unit: 'ms' },
  { factor: 1, unit: 's' },
]
const BYTES: readonly Step[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].map((unit, i) => ({ factor: 1024 ** i, unit }))
const PREFIXES: readonly Step[] = ['', 'k', 'M', 'G', 'T', 'P'].map((unit, i) => ({ factor: 1000 ** i, unit }))

/** Units that carry a prefix themselves (`GFLOP`) where a count puts it behind its digits (`3.1 M`). */
const PREFIXED = new Set(['FLOP', 'FLOPs', 'FLOP/s', 'FLOP/token', 'FLOPs/token', 'B/s'])

/** The ladder of units that a unit stands on, and its own factor there. */
function ladderOf(unit: string): { steps: readonly Step[]; factor: number; suffix: string } | undefined {
  const slash = unit.indexOf('/')
  const [base, suffix] = slash < 0 ? [unit, ''] : [unit.slice(0, slash), unit.slice(slash)]
  const second = SECONDS.find((step) => step.unit === base)
  if (second !== undefined) return { steps: SECONDS, factor: second.factor, suffix }
  const byte = base === 'bytes' ? BYTES[0] : BYTES.find((step) => step.unit === base)
  return byte === undefined ? undefined : { steps: BYTES, factor: byte.factor, suffix }
}

/**
 * Formats a value with `digits` significant digits (default 3) and a fitting prefix: 0.00042 ms -> `420 ns`,
 * 12_345_678 -> `12.3 M`, 3_000_000 bytes -> `2.86 MiB`, 4.2e9 FLOP -> `4.20 GFLOP`. Whole numbers below 10,000 stay whole.
 */
export function formatNumber(value: number | null | undefined, unit = '', digits = 3): FormattedNumber {
  if (value === null || value === undefined || Number.isNaN(value)) return { text: NO_VALUE, unit: '' }
  if (!Number.isFinite(value)) return { text: value < 0 ? `${MINUS}∞` : '∞', unit }
  const ladder = value === 0 ? undefined : ladderOf(unit)
  if (ladder !== undefined) {
    const { step, scaled } = climb(value * ladder.factor, ladder.steps, digits)
    return { text: significant(scaled, digits), unit: step.unit + ladder.suffix }
  }
  const isWhole = Number.isInteger(value) && Math.abs(value) < 10_000
  if (isWhole) return { text: withMinus(String(value)), unit }
  if (Math.abs(value) < 10_000) return { text: significant(value, digits), unit }
  const { step, scaled } = climb(value, PREFIXES, digits)
  const text = significant(scaled, digits)
  return PREFIXED.has(unit)
    ? { text, unit: step.unit + unit }
    : { text: step.unit === '' ? text : `${text}${THIN_SPACE}${step.unit}`, unit }
}

/** A formatted number and its unit in one string. */
export function formatWithUnit(value: number | null | undefined, unit = '', digits = 3): string {
  const formatted = formatNumber(value, unit, digits)
  return formatted.unit === '' ? formatted.text : `${formatted.text}${THIN_SPACE}${formatted.unit}`
}

/** Every digit of a value with its unit after an ordinary space, for tooltips and the clipboard. */
export function formatExact(value: number | null | undefined, unit = ''): string {
  if (value === null || value === undefined) return ''
  return unit === '' ? String(value) : `${value} ${unit}`
}

/** The largest unit whose scaled value is at least 1 after rounding; the smallest for what is below all. */
function climb(value: number, steps: readonly Step[], digits: number): { step: Step; scaled: number } {
  const rounded = Math.abs(Number(value.toPrecision(digits)))
  const step = steps.findLast(({ factor }) => rounded >= factor * (1 - 1e-12)) ?? steps[0]!
  return { step, scaled: value / step.factor }
}

function significant(value: number, digits: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return withMinus(value.toExponential(digits - 1))
  const magnitude = size === 0 ? 0 : Math.floor(Math.log10(Number(size.toPrecision(digits))))
  return withMinus(value.toFixed(Math.max(0, Math.min(20, digits - 1 - magnitude))))
}

const withMinus = (text: string): string => text.replace(/^-/, MINUS).replace(/e-/, `e${MINUS}`)

/** A span of seconds: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return NO_VALUE
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's')
  const minutes = Math.round(whole / 60)
  if (minutes < 24 * 60) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** A share between 0 and 1 as a percentage: `0.4 %`, `12 %`. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NO_VALUE
  const percent = share * 100
  const text = percent !== 0 && Math.abs(percent) < 9.95 ? percent.toFixed(1) : percent.toFixed(0)
  return `${withMinus(text)}${THIN_SPACE}%`
}
