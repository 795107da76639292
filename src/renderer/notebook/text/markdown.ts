// Markdown with formulas as HTML text: HTML in the source is text. Formulas are KaTeX's own markup on the screen, and MathML in
// files, which needs no fonts and no style; in print only the former, whose fonts are embedded as they are.

import katex from 'katex'
import MarkdownIt from 'markdown-it'

type Markdown = InstanceType<typeof MarkdownIt>
type Inline = Parameters<Markdown['inline']['ruler']['after']>[2]
type Block = Parameters<Markdown['block']['ruler']['after']>[2]

const LONGEST = 200_000
const LONGEST_FORMULA = 5000

/** `$x$` within a line: no blank inside of the dollars, no digit behind. */
const inlineFormula: Inline = (state, silent) => {
  const { src, pos } = state
  if (src[pos] !== '$') return false
  const isDisplay = src[pos + 1] === '$'
  const mark = isDisplay ? '$$' : '$'
  const from = pos + mark.length
  let end = src.indexOf(mark, from)
  while (end > 0 && src[end - 1] === '\\') end = src.indexOf(mark, end + 1)
  if (end <= from || end - from > LONGEST_FORMULA) return false
  const content = src.slice(from, end)
  if (!isDisplay && (/^\s|\s$/.test(content) || /\d/.test(src[end + 1] ?? ''))) return false
  if (!silent) {
    const token = state.push('formula', 'math', 0)
    token.content = content
    token.meta = { isDisplay }
  }
  state.pos = end + mark.length
  return true
}

/** `$$` on lines of their own. */
const blockFormula: Block = (state, startLine, endLine, silent) => {
  const lineOf = (line: number): string =>
    state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]!)
  const first = lineOf(startLine)
  if (!first.startsWith('$$')) return false
  if (silent) return true
  let line = startLine
  let text = first.slice(2)
  while (!text.trimEnd().endsWith('$$') && line + 1 < endLine) text += `\n${lineOf(++line)}`
  const content = text.trimEnd().replace(/\$\$$/, '')
  if (content === text.trimEnd() || content.length > LONGEST_FORMULA) return false
  state.line = line + 1
  const token = state.push('formula', 'math', 0)
  token.content = content
  token.block = true
  token.meta = { isDisplay: true }
  return true
}

type Formulas = 'htmlAndMathml' | 'mathml' | 'html'

function open(output: Formulas): Markdown {
  const made = new MarkdownIt({ html: false, linkify: false, typographer: true })
  made.inline.ruler.after('escape', 'formula', inlineFormula)
  made.block.ruler.after('blockquote', 'formula', blockFormula, { alt: ['paragraph', 'blockquote', 'list'] })
  made.renderer.rules['formula'] = (tokens, index) => {
    const { content, meta } = tokens[index]!
    const { isDisplay } = meta as { readonly isDisplay: boolean }
    const html = formula(content, isDisplay, output, made)
    return isDisplay ? `<div class="formula">${html}</div>` : html
  }
  return made
}

const markdowns = { htmlAndMathml: open('htmlAndMathml'), mathml: open('mathml'), html: open('html') } as const

function formula(text: string, displayMode: boolean, output: Formulas, markdown: Markdown): string {
  try {
    return katex.renderToString(text, {
      ...{ output, throwOnError: true, displayMode, strict: 'ignore', errorColor: 'currentColor' },
      ...{ trust: false, maxExpand: 200, maxSize: 20 },
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return `<code class="fault" title="${markdown.utils.escapeHtml(why)}">${markdown.utils.escapeHtml(text)}</code>`
  }
}

/** HTML of a piece of prose. It still goes through `safeNodes` before it becomes part of a page. */
export function renderMarkdown(text: string, formulas: Formulas = 'htmlAndMathml'): string {
  const markdown = markdowns[formulas]
  if (text.length > LONGEST) return `<pre>${markdown.utils.escapeHtml(text.slice(0, LONGEST))}</pre>`
  return markdown.render(text)
}
