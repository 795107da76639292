// One self-contained HTML page: no scripts, no network. Figures are drawn for light and dark grounds; the reader's setting picks.

import type { Scene } from '#core/plots/scene.ts'
import { escapeXml, sceneToSvg } from '#core/plots/scene.ts'
import { DARK, LIGHT } from '#core/plots/theme.ts'
import type { Theme } from '#core/plots/theme.ts'

const CSS = `
:root { color-scheme: light dark; --ground: ${LIGHT.ground}; --ink: ${LIGHT.ink}; --quiet: ${LIGHT.quiet}; --line: ${LIGHT.line} }
@media (prefers-color-scheme: dark) { :root { --ground: ${DARK.ground}; --ink: ${DARK.ink}; --quiet: ${DARK.quiet}; --line: ${DARK.line} } }
body { background: var(--ground); color: var(--ink); font: 14px/1.5 Inter, 'Helvetica Neue', Arial, sans-serif; margin: 0 }
main { max-width: 960px; box-sizing: content-box; margin: 0 auto; padding: 32px 24px 64px }
h1 { font-size: 24px; font-weight: 600; margin: 0 0 4px } h2 { font-size: 16px; font-weight: 600; margin: 36px 0 8px }
p { max-width: 68ch; margin: 8px 0 } .quiet, .unit { color: var(--quiet) }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100% }
.scroll { overflow-x: auto }
th { text-align: left; font-weight: 500; color: var(--quiet); border-bottom: 1px solid var(--line); padding: 4px 12px 4px 0; vertical-align: bottom }
td { border-bottom: 1px solid var(--line); padding: 6px 12px 6px 0; vertical-align: middle } td.n, th.n { text-align: right } td.n { white-space: nowrap }
code { font-family: 'JetBrains Mono', 'IBM Plex Mono', Menlo, monospace; font-size: 12px } svg { display: block; max-width: 100%; height: auto }
.dark { display: none } @media (prefers-color-scheme: dark) { .dark { display: block } .light { display: none } }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 20px 0; padding: 12px 0; border: solid var(--line); border-width: 1px 0 } dt { color: var(--quiet) } dd { margin: 0; font-variant-numeric: tabular-nums }
figure { margin: 8px 0 } td figure { margin: 0; min-width: 110px } figcaption { color: var(--quiet); font-size: 13px; max-width: 80ch }
`

/** Markup that is safe to insert. */
export interface Html {
  readonly html: string
}

export const raw = (html: string): Html => ({ html })

/** Tagged template that escapes every value that is not Html. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const text = (v: string | number | Html | readonly Html[]): string =>
    typeof v === 'object' ? ('html' in v ? v.html : v.map((x) => x.html).join('')) : escapeXml(String(v))
  return raw(parts.map((part, i) => part + (i < values.length ? text(values[i]!) : '')).join(''))
}

/** A figure for both grounds. */
export function figure(draw: (theme: Theme) => Scene, caption = ''): Html {
  const both = [
    ['light', LIGHT],
    ['dark', DARK],
  ] as const
  const svgs = both.map(([name, theme]) => raw(`<div class="${name}">${sceneToSvg(draw(theme))}</div>`))
  return html`<figure>${svgs}${caption === '' ? raw('') : html`<figcaption>${caption}</figcaption>`}</figure>`
}

/** A table; cells of numeric columns are right-aligned. */
export function htmlTable(
  header: readonly string[],
  rows: readonly (readonly (string | Html)[])[],
  numeric: readonly number[],
): Html {
  const cls = (i: number): Html => raw(numeric.includes(i) ? ' class="n"' : '')
  const head = header.map((h, i) => html`<th${cls(i)}>${h}</th>`)
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell, i) => html`<td${cls(i)}>${cell}</td>`)}
      </tr>`,
  )
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`
}

export function page(title: string, body: readonly Html[]): string {
  return `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(CSS)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`.html
  }\n`
}
