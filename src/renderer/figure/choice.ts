// The last choice of a figure's size: the next figure of a paper is usually for the same venue.

import { ASPECTS, PRESETS } from '#core/plots/figure/presets.ts'
import type { Aspect, FigureSpan } from '#core/plots/figure/presets.ts'

export interface Choice {
  readonly kind: string
  readonly span: FigureSpan
  readonly aspect: Aspect
}

const KEY = 'heddle.figure'
const FIRST: Choice = { kind: 'neurips', span: 'full', aspect: 'golden' }

/** A stored choice, or the first one where the text is of anything else. */
export function readChoice(text: string | null): Choice {
  const [kind = '', span = '', aspect = ''] = (text ?? '').split(' ')
  if (!PRESETS.some((preset) => preset.kind === kind) || !Object.hasOwn(ASPECTS, aspect)) return FIRST
  return { kind, span: span === 'column' ? 'column' : 'full', aspect: aspect as Aspect }
}

export function lastChoice(): Choice {
  try {
    return readChoice(localStorage.getItem(KEY))
  } catch {
    return FIRST
  }
}

export function rememberChoice({ kind, span, aspect }: Choice): void {
  try {
    localStorage.setItem(KEY, `${kind} ${span} ${aspect}`)
  } catch {
    // storage may be switched off; the choice is then of this session
  }
}
