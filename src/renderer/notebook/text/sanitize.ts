// Rendered Markdown as nodes: only elements and attributes of this list come through, whatever the text was.

const TAGS = new Set(
  (
    'a b blockquote br code del div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strong sub sup table tbody td th thead tr ul ' +
    'math semantics annotation mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover ' +
    'mtable mtr mtd mstyle mpadded mphantom menclose merror svg path line'
  ).split(' '),
)
const ATTRIBUTES = new Set(
  (
    'alt class title start colspan rowspan display mathvariant stretchy fence separator lspace rspace accent accentunder ' +
    'columnalign columnspacing rowspacing columnlines rowlines scriptlevel displaystyle minsize maxsize width height depth ' +
    'voffset linethickness encoding xmlns notation viewBox preserveAspectRatio d x1 x2 y1 y2 stroke-width aria-hidden'
  ).split(' '),
)
const LINK = /^(https?:\/\/|#)/i
const IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$/

/** Copies the content of an inert document, without what is not on the list. */
export function safeNodes(html: string): DocumentFragment {
  const parsed = new DOMParser().parseFromString(html, 'text/html')
  const fragment = document.createDocumentFragment()
  for (const child of parsed.body.childNodes) copy(child, fragment)
  return fragment
}

/** Where formulas and table cells stand; nothing that loads, covers or hides. */
const PROPERTIES = new Set(
  (
    'text-align height width min-width max-width vertical-align top bottom left right margin margin-left margin-right margin-top ' +
    'margin-bottom padding padding-left padding-right border-bottom-width border-top-width border-right-width border-width ' +
    'border-right-style border-style color background-color font-size'
  ).split(' '),
)
const VALUE = /^[-+\w.#% ]{1,60}$/

function setStyle(element: Element, style: string): void {
  const kept = style
    .split(';')
    .map((part) => part.split(':').map((side) => side.trim()))
    .filter(([name = '', value = '', more]) => more === undefined && PROPERTIES.has(name) && VALUE.test(value))
  if (kept.length > 0) element.setAttribute('style', kept.map(([name, value]) => `${name}: ${value}`).join('; '))
}

function copy(node: Node, into: Node): void {
  if (node.nodeType === Node.TEXT_NODE) {
    into.appendChild(document.createTextNode(node.textContent ?? ''))
    return
  }
  if (!(node instanceof Element)) return
  const name = node.localName
  if (!TAGS.has(name)) {
    // the words of an element that is not known still count; those of a script do not
    if (name !== 'script' && name !== 'style') for (const child of node.childNodes) copy(child, into)
    return
  }
  // the first heading of the page is the name of the notebook
  const level = /^h([1-6])$/.exec(name)?.[1]
  const made = document.createElementNS(
    node.namespaceURI,
    level === undefined ? name : `h${Math.min(6, Number(level) + 1)}`,
  )
  for (const { name: attribute, value } of node.attributes) {
    if (ATTRIBUTES.has(attribute)) made.setAttribute(attribute, value)
    else if (name === 'a' && attribute === 'href' && LINK.test(value)) {
      made.setAttribute('href', value)
      if (!value.startsWith('#')) {
        made.setAttribute('rel', 'noreferrer noopener')
        made.setAttribute('target', '_blank')
      }
    } else if (name === 'img' && attribute === 'src' && IMAGE.test(value)) made.setAttribute('src', value)
    else if (attribute === 'style') setStyle(made, value)
  }
  if (level !== undefined) made.setAttribute('class', `level-${level}`)
  for (const child of node.childNodes) copy(child, made)
  into.appendChild(made)
}
