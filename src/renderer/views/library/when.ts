const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** A moment as one says it: `5 minutes ago`, `yesterday`, `3 Mar 2026`. */
export function timeText(at: number, now = Date.now()): string {
  const ago = now - at
  if (ago < MINUTE) return 'just now'
  if (ago < 60 * MINUTE) return relative.format(-Math.round(ago / MINUTE), 'minute')
  if (ago < DAY) return relative.format(-Math.round(ago / (60 * MINUTE)), 'hour')
  if (ago < 14 * DAY) return relative.format(-Math.round(ago / DAY), 'day')
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}
