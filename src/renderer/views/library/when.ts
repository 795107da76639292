const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** A moment as one says it: `5 minutes ago`, `yesterday`, `3 Mar 2026`. */
export function timeText(at: number, now = Date.now()): string {
  const ago = now - at
  if (ago < MINUTE) return 'just now'
  if (ago < 60 * MINUTE) return agoText(Math.round(ago / MINUTE), 'minute')
  if (ago < DAY) return agoText(Math.round(ago / (60 * MINUTE)), 'hour')
  if (ago < 14 * DAY) return ago < 1.5 * DAY ? 'yesterday' : agoText(Math.round(ago / DAY), 'day')
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}

/** By hand: Intl.RelativeTimeFormat takes 40 ms to be made, in the first view that anybody sees. */
const agoText = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'} ago`
