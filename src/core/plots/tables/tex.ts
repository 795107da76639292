const SPECIAL: Readonly<Record<string, string>> = {
  '\\': String.raw`\textbackslash{}`,
  '{': String.raw`\{`,
  '}': String.raw`\}`,
  '#': String.raw`\#`,
  $: String.raw`\$`,
  '%': String.raw`\%`,
  '&': String.raw`\&`,
  _: String.raw`\_`,
  '~': String.raw`\textasciitilde{}`,
  '^': String.raw`\textasciicircum{}`,
  '<': '$<$',
  '>': '$>$',
  '|': '$|$',
  '"': String.raw`\textquotedbl{}`,
  '×': String.raw`$\times$`,
  '·': String.raw`$\cdot$`,
  '±': String.raw`$\pm$`,
  '−': '$-$',
  '–': '--',
  '—': '---',
  '…': String.raw`\ldots{}`,
  '≤': String.raw`$\leq$`,
  '≥': String.raw`$\geq$`,
  '≈': String.raw`$\approx$`,
  '∞': String.raw`$\infty$`,
  '→': String.raw`$\rightarrow$`,
  '←': String.raw`$\leftarrow$`,
  '↑': String.raw`$\uparrow$`,
  '↓': String.raw`$\downarrow$`,
  µ: String.raw`$\mu$`,
  μ: String.raw`$\mu$`,
  α: String.raw`$\alpha$`,
  β: String.raw`$\beta$`,
  γ: String.raw`$\gamma$`,
  ε: String.raw`$\varepsilon$`,
  ρ: String.raw`$\rho$`,
  τ: String.raw`$\tau$`,
  '²': '$^2$',
  '³': '$^3$',
  '’': "'",
  '“': '``',
  '”': "''",
  '\u2009': String.raw`\,`,
  '\u00a0': '~',
}

/** Text as LaTeX prints it under pdfTeX with T1 fonts; control characters are left out, other scripts become "?". */
export const texEscape = (text: string): string =>
  [...text]
    .map((c) => {
      if (Object.hasOwn(SPECIAL, c)) return SPECIAL[c]!
      const point = c.codePointAt(0)!
      if (point < 32) return ' '
      // Latin-1 letters are in T1
      return point < 127 || (point >= 0xc0 && point <= 0xff) ? c : '?'
    })
    .join('')
