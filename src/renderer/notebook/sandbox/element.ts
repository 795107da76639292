// As much of the document as drawing libraries need, where there is none: a tree of elements that prints itself as markup.
// A worker has no document, and the frame around it shows nothing; what is drawn here is shown as text elsewhere.

const SVG = 'http://www.w3.org/2000/svg'
const HTML = 'http://www.w3.org/1999/xhtml'
const VOID = new Set(['br', 'hr', 'img', 'input', 'meta', 'link', 'wbr'])

class Leaf {
  parentNode: Element | null = null
  ownerDocument: Document
  nodeType: number
  textContent: string

  constructor(ownerDocument: Document, nodeType: number, text: string) {
    this.ownerDocument = ownerDocument
    this.nodeType = nodeType
    this.textContent = text
  }
  get nodeValue(): string {
    return this.textContent
  }
  set nodeValue(text: string) {
    this.textContent = text
  }
  get nextSibling(): Child | null {
    return sibling(this, 1)
  }
  remove(): void {
    this.parentNode?.removeChild(this)
  }
  cloneNode(): Leaf {
    return new Leaf(this.ownerDocument, this.nodeType, this.textContent)
  }
}

type Child = Leaf | Element

const sibling = (node: Child, step: number): Child | null => {
  const list = node.parentNode?.childNodes
  return list?.[list.indexOf(node) + step] ?? null
}

/** Places of a node and its parents among their siblings, from the root down. */
function pathOf(node: Child): number[] {
  const path: number[] = []
  for (let at: Child = node; at.parentNode !== null; at = at.parentNode)
    path.unshift(at.parentNode.childNodes.indexOf(at))
  return path
}

/** Style properties under their names in CSS. */
class Style {
  readonly values = new Map<string, string>()
  setProperty(name: string, value: unknown, priority = ''): void {
    if (value === null || value === '') this.values.delete(name)
    else this.values.set(name, `${String(value)}${priority === '' ? '' : ` !${priority}`}`)
  }
  removeProperty(name: string): void {
    this.values.delete(name)
  }
  getPropertyValue(name: string): string {
    return this.values.get(name) ?? ''
  }
  get cssText(): string {
    return [...this.values].map(([name, value]) => `${name}: ${value}`).join('; ')
  }
  set cssText(text: string) {
    this.values.clear()
    for (const part of text.split(';')) {
      const at = part.indexOf(':')
      if (at > 0) this.values.set(part.slice(0, at).trim(), part.slice(at + 1).trim())
    }
  }
}

// style.fontSize = '12px' is written as setProperty('font-size', '12px')
const styleOf = (): Style =>
  new Proxy(new Style(), {
    get: (style, name) => {
      const value: unknown = Reflect.get(style, name, style)
      return typeof value === 'function' ? value.bind(style) : (value ?? style.getPropertyValue(hyphenated(name)))
    },
    set: (style, name, value) => {
      if (name === 'cssText') style.cssText = String(value)
      else style.setProperty(hyphenated(name), value)
      return true
    },
  })

const hyphenated = (name: string | symbol): string => String(name).replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

export class Element {
  readonly nodeType = 1
  parentNode: Element | null = null
  childNodes: Child[] = []
  readonly attributes = new Map<string, string>()
  readonly style = styleOf()
  readonly ownerDocument: Document
  readonly tagName: string
  readonly namespaceURI: string
  value: unknown = undefined

  constructor(ownerDocument: Document, tagName: string, namespaceURI: string) {
    this.ownerDocument = ownerDocument
    this.tagName = tagName
    this.namespaceURI = namespaceURI
  }
  get nodeName(): string {
    return this.tagName
  }
  get localName(): string {
    return this.tagName
  }
  get parentElement(): Element | null {
    return this.parentNode
  }
  get children(): Element[] {
    return this.childNodes.filter((child) => child instanceof Element)
  }
  get firstChild(): Child | null {
    return this.childNodes[0] ?? null
  }
  get lastChild(): Child | null {
    return this.childNodes.at(-1) ?? null
  }
  get nextSibling(): Child | null {
    return sibling(this, 1)
  }
  get previousSibling(): Child | null {
    return sibling(this, -1)
  }
  get firstElementChild(): Element | null {
    return this.children[0] ?? null
  }

  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null
  }
  setAttribute(name: string, value: unknown): void {
    if (name === 'style') this.style.cssText = String(value)
    else this.attributes.set(name, String(value))
  }
  setAttributeNS(_: string | null, name: string, value: unknown): void {
    this.setAttribute(name, value)
  }
  getAttributeNS(_: string | null, name: string): string | null {
    return this.getAttribute(name)
  }
  removeAttribute(name: string): void {
    this.attributes.delete(name)
  }
  removeAttributeNS(_: string | null, name: string): void {
    this.attributes.delete(name)
  }
  hasAttribute(name: string): boolean {
    return this.attributes.has(name)
  }

  get id(): string {
    return this.getAttribute('id') ?? ''
  }
  set id(value: string) {
    this.setAttribute('id', value)
  }
  get className(): string {
    return this.getAttribute('class') ?? ''
  }
  set className(value: string) {
    this.setAttribute('class', value)
  }
  get classList(): {
    add(...names: string[]): void
    remove(...names: string[]): void
    contains(name: string): boolean
  } {
    const names = (): string[] => this.className.split(/\s+/).filter((name) => name !== '')
    return {
      add: (...more) => (this.className = [...new Set([...names(), ...more])].join(' ')),
      remove: (...less) =>
        (this.className = names()
          .filter((name) => !less.includes(name))
          .join(' ')),
      contains: (name) => names().includes(name),
    }
  }

  get textContent(): string {
    return this.childNodes.map((child) => child.textContent).join('')
  }
  set textContent(text: string) {
    this.replaceChildren(...(text === '' ? [] : [text]))
  }
  get innerHTML(): string {
    return this.childNodes.map(markupOf).join('')
  }
  get outerHTML(): string {
    return markupOf(this)
  }

  appendChild<T extends Child>(child: T): T {
    return this.insertBefore(child, null)
  }
  insertBefore<T extends Child>(child: T, before: Child | null): T {
    if (child instanceof Element && child.tagName === '#fragment') {
      for (const one of [...child.childNodes]) this.insertBefore(one, before)
      return child
    }
    child.parentNode?.removeChild(child)
    const at = before === null ? this.childNodes.length : this.childNodes.indexOf(before)
    this.childNodes.splice(at < 0 ? this.childNodes.length : at, 0, child)
    child.parentNode = this
    return child
  }
  removeChild(child: Child): Child {
    this.childNodes = this.childNodes.filter((other) => other !== child)
    child.parentNode = null
    return child
  }
  replaceChild(child: Child, old: Child): Child {
    this.insertBefore(child, old)
    return this.removeChild(old)
  }
  append(...children: (Child | string)[]): void {
    for (const child of children) this.appendChild(this.#node(child))
  }
  prepend(...children: (Child | string)[]): void {
    const first = this.firstChild
    for (const child of children) this.insertBefore(this.#node(child), first)
  }
  replaceChildren(...children: (Child | string)[]): void {
    for (const child of this.childNodes) child.parentNode = null
    this.childNodes = []
    this.append(...children)
  }
  replaceWith(...nodes: (Child | string)[]): void {
    for (const node of nodes) this.parentNode?.insertBefore(this.#node(node), this)
    this.remove()
  }
  remove(): void {
    this.parentNode?.removeChild(this)
  }
  contains(other: Child | null): boolean {
    for (let node: Child | null = other; node !== null; node = node.parentNode) if (node === this) return true
    return false
  }
  /** 4 where the other comes after this one in the document, 2 where it comes before. */
  compareDocumentPosition(other: Element): number {
    if (other === this) return 0
    const [own, their] = [pathOf(this), pathOf(other)]
    const at = own.findIndex((place, i) => place !== their[i])
    return at < 0 || (own[at] ?? 0) < (their[at] ?? -1) ? 4 : 2
  }
  cloneNode(deep = false): Element {
    const copy = new Element(this.ownerDocument, this.tagName, this.namespaceURI)
    for (const [name, value] of this.attributes) copy.attributes.set(name, value)
    copy.style.cssText = this.style.cssText
    if (deep) copy.append(...this.childNodes.map((child) => child.cloneNode(true)))
    return copy
  }
  /** Finds by a tag, #id or .class alone. */
  querySelectorAll(selector: string): Element[] {
    const matches = (one: Element): boolean =>
      selector.startsWith('.')
        ? one.classList.contains(selector.slice(1))
        : selector.startsWith('#')
          ? one.id === selector.slice(1)
          : selector === '*' || one.tagName === selector
    return this.children.flatMap((child) => [...(matches(child) ? [child] : []), ...child.querySelectorAll(selector)])
  }
  querySelector(selector: string): Element | null {
    return this.querySelectorAll(selector)[0] ?? null
  }
  // a drawing is a picture: nobody can click on it
  addEventListener(): void {}
  removeEventListener(): void {}
  dispatchEvent(): boolean {
    return true
  }
  #node(child: Child | string): Child {
    return typeof child === 'object' ? child : this.ownerDocument.createTextNode(String(child))
  }
}

export class Document {
  readonly nodeType = 9
  readonly documentElement: Element = new Element(this, 'html', HTML)
  readonly body: Element = this.documentElement.appendChild(new Element(this, 'body', HTML))
  readonly head: Element = this.documentElement.appendChild(new Element(this, 'head', HTML))
  readonly defaultView = globalThis

  createElement(name: string): Element {
    return new Element(this, String(name).toLowerCase(), HTML)
  }
  createElementNS(namespace: string | null, name: string): Element {
    return new Element(this, String(name), namespace ?? HTML)
  }
  createTextNode(text: unknown): Leaf {
    return new Leaf(this, 3, String(text))
  }
  createComment(text: unknown): Leaf {
    return new Leaf(this, 8, String(text))
  }
  createDocumentFragment(): Element {
    return new Element(this, '#fragment', HTML)
  }
  importNode(node: Child, deep = false): Child {
    return node.cloneNode(deep)
  }
  querySelector(selector: string): Element | null {
    return this.documentElement.querySelector(selector)
  }
  querySelectorAll(selector: string): Element[] {
    return this.documentElement.querySelectorAll(selector)
  }
  getElementById(id: string): Element | null {
    return this.querySelector(`#${id}`)
  }
}

/** Whether a value is an element of such a document. */
export const isElement = (value: unknown): value is Element => value instanceof Element

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')

const NAME = /^[A-Za-z][\w:.-]*$/

/** The markup of a node; names that are none are left out. */
export function markupOf(node: Child): string {
  if (!(node instanceof Element)) return node.nodeType === 8 ? '' : escape(node.textContent)
  if (!NAME.test(node.tagName)) return node.innerHTML
  const style = node.style.cssText
  const namespace =
    node.tagName === 'svg' && node.namespaceURI === SVG && !node.attributes.has('xmlns') ? ` xmlns="${SVG}"` : ''
  const attributes = [...node.attributes]
    .filter(([name]) => NAME.test(name))
    .map(([name, value]) => ` ${name}="${escape(value)}"`)
  const open = `<${node.tagName}${namespace}${attributes.join('')}${style === '' ? '' : ` style="${escape(style)}"`}>`
  return VOID.has(node.tagName) ? open : `${open}${node.innerHTML}</${node.tagName}>`
}
