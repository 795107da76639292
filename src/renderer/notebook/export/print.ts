import katexStyle from 'katex/dist/katex.min.css?inline'

/**
 * Prints a page through the browser, which also makes PDF of it. The page is in a frame without scripts; it goes when the
 * dialog has closed.
 */
export function printPage(html: string): void {
  const frame = document.createElement('iframe')
  // the page itself runs nothing; this one calls its print
  frame.setAttribute('sandbox', 'allow-same-origin allow-modals')
  frame.title = 'Page to print'
  frame.style.cssText = 'position: fixed; width: 210mm; height: 297mm; left: -400mm; top: 0; border: 0'
  frame.srcdoc = html
  frame.onload = async () => {
    const page = frame.contentWindow!
    await page.document.fonts.ready
    page.onafterprint = () => frame.remove()
    page.focus()
    page.print()
  }
  document.body.append(frame)
}

/** The style of formulas; its fonts are those of the program. */
export const formulaStyle: string = katexStyle
