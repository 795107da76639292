import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../../src/renderer/notebook/text/markdown.ts'

describe('Markdown', () => {
  it('has formulas in lines and of their own', () => {
    expect(renderMarkdown('the $x^2$ costs $5 and $6')).toMatch(/<math[\s\S]*costs \$5 and \$6/)
    expect(renderMarkdown('$$\n\\frac{a}{b}\n$$')).toContain('class="formula"')
    expect(renderMarkdown('$$a$$', 'mathml')).not.toContain('katex-html')
    expect(renderMarkdown('price: 5$ or 6$')).not.toContain('<math')
    expect(renderMarkdown('`$x$`')).toBe('<p><code>$x$</code></p>\n')
  })

  it('shows a formula that cannot be read as text', () => {
    const html = renderMarkdown('$\\frac{<b>}$')
    expect(html).toContain('<code class="fault"')
    expect(html).not.toContain('<b>')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](vbscript:x)',
    '[x](data:text/html,<script>alert(1)</script>)',
    '![x](javascript:alert(1))',
    '<svg onload=alert(1)>',
    '$\\href{javascript:alert(1)}{x}$',
    '$\\includegraphics{http://x}$',
    '$\\htmlData{onload=alert(1)}{x}$',
    '$\\text{</annotation><script>alert(1)</script>}$',
  ])('keeps %s harmless', (text) => {
    const html = renderMarkdown(text)
    const tags = [...html.matchAll(/<([a-z]+)((?:[^>"]|"[^"]*")*)>/g)]
    for (const [, name, attributes = ''] of tags) {
      expect(['script', 'iframe', 'object', 'img']).not.toContain(
        name === 'img' && /src="(http|data:image)/.test(attributes) ? '' : name,
      )
      expect(attributes).not.toMatch(/\son\w+=|(href|src)="\s*(javascript|vbscript|data:text)/i)
    }
  })

  it('bounds macros and lengths', () => {
    const started = performance.now()
    expect(renderMarkdown('$\\def\\a{\\b\\b}\\def\\b{\\c\\c}\\def\\c{\\a\\a}\\a$')).toContain('fault')
    expect(renderMarkdown(`$${'x'.repeat(6000)}$`)).not.toContain('<math')
    expect(renderMarkdown('*'.repeat(300_000)).length).toBeLessThan(250_000)
    expect(performance.now() - started).toBeLessThan(3000)
  })
})
