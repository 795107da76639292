// Markup as a tree: what code in a notebook draws is text, and it is read as data, never as a page.

/** An element; its children are elements and texts. */
export interface MarkupNode {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly (MarkupNode | string)[]
}

const MOST_NODES = 100_000
const MOST_DEPTH = 64
const TOKEN = /<!--[\s\S]*?-->|<(\/?)([A-Za-z][\w:.-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/g
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const VOID = new Set(['br', 'hr', 'img', 'input', 'meta', 'link', 'wbr'])
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** Reads markup into a root without a name; of a broken one what can be read, of a huge one its beginning. */
export function readMarkup(text: string): MarkupNode {
  const root = { name: '', attributes: new Map<string, string>(), children: [] as (MarkupNode | string)[] }
  const open = [root]
  let count = 0
  for (const [, slash, name, rest, isEmpty, words] of text.matchAll(TOKEN)) {
    const parent = open.at(-1)!
    if (words !== undefined) parent.children.push(plain(words))
    else if (slash === '/') {
      const at = open.findLastIndex((node) => node.name === name)
      if (at > 0) open.length = at
    } else if (name !== undefined) {
      if (++count > MOST_NODES) break
      const node = { name, attributes: attributesOf(rest!), children: [] as (MarkupNode | string)[] }
      parent.children.push(node)
      if (isEmpty === '' && !VOID.has(name) && open.length < MOST_DEPTH) open.push(node)
    }
  }
  return root
}

const attributesOf = (text: string): Map<string, string> =>
  new Map([...text.matchAll(ATTRIBUTE)].map(([, name, a, b]) => [name!, plain(a ?? b ?? '')]))

const plain = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(\w{2,4}));/g, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole
    const point = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16)
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd'
  })

/** All text of a node, as one line. */
export const textIn = (node: MarkupNode): string =>
  node.children
    .map((child) => (typeof child === 'string' ? child : child.name === 'style' ? '' : textIn(child)))
    .join('')

/** The first elements of a name on each way down. */
export function elementsIn(node: MarkupNode, name: string): readonly MarkupNode[] {
  return node.children.flatMap((child) =>
    typeof child === 'string' ? [] : child.name === name ? [child] : elementsIn(child, name),
  )
}
