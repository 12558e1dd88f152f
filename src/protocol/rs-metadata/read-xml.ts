import { SaxesParser, type SaxesTagNS } from 'saxes'

/** An element and those in it, as far as they are of the vocabulary of its root. */
export interface XmlElement {
  /** Local name in lower case, without hyphens: `associatetime`. */
  readonly name: string
  /** By local name in lower case, without hyphens and underscores: `sessionid`. Those with a prefix are left out. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Its own text in one line, without blanks around it; of very long text, the start. */
  readonly text: string
}

export const DEPTH_MAX = 32
export const ELEMENTS_MAX = 10_000
export const ATTRIBUTES_MAX = 64
export const ATTRIBUTE_CHARACTERS_MAX = 8192
export const TEXT_CHARACTERS_MAX = 4096
/** Faults that are overlooked in one document. */
export const FAULTS_MAX = 100
const REASON_CHARACTERS_MAX = 160
/** Faults of vendor data that do no harm, since such data is left out: a prefix that stands for nothing, a value without quotes. */
const HARMLESS = /unbound namespace prefix|unquoted attribute value/

interface Growing extends XmlElement {
  readonly children: Growing[]
  text: string
}

/** Why reading stopped; caught before anybody sees it. */
class Refusal extends Error {}

/**
 * Reads one XML document (XML 1.0, with namespaces): the root, when `isRoot` agrees with its name, and below it the elements of the root's namespace or of none. All
 * others are left out with what is in them. A document type, and so every entity but the five of XML itself, is refused, never read. Otherwise why it is none.
 */
export const readXml = (
  text: string,
  isRoot: (localName: string, namespace: string) => boolean,
): XmlElement | { readonly reason: string } => {
  const tree = new TreeBuilder(isRoot)
  try {
    parserInto(tree).write(text).close()
  } catch (error) {
    return { reason: oneLine(error instanceof Error ? error.message : String(error)) }
  }
  return tree.root ?? { reason: 'no element' }
}

const parserInto = (tree: TreeBuilder): SaxesParser<{ xmlns: true }> => {
  const parser = new SaxesParser({ xmlns: true })
  let [attributes, faults] = [0, 0]
  parser.on('error', (error) => {
    faults += 1
    if (!HARMLESS.test(error.message)) throw error
    if (faults > FAULTS_MAX) refuse('too many faults')
  })
  parser.on('doctype', () => refuse('a document type is not allowed'))
  parser.on('opentagstart', () => {
    attributes = 0
  })
  parser.on('attribute', ({ value }) => {
    attributes += 1
    if (attributes > ATTRIBUTES_MAX) refuse('too many attributes')
    if (value.length > ATTRIBUTE_CHARACTERS_MAX) refuse('an attribute is too long')
  })
  parser.on('opentag', (tag) => tree.open(tag))
  parser.on('closetag', () => tree.close())
  parser.on('text', (text) => tree.append(text))
  parser.on('cdata', (text) => tree.append(text))
  return parser
}

/** Elements as they open and close; bounded in depth and number. */
class TreeBuilder {
  readonly #isRoot: (localName: string, namespace: string) => boolean
  readonly #open: Growing[] = []
  #namespace = ''
  #elements = 0
  /** How many elements are open of those that are left out. */
  #skipped = 0
  #root: Growing | undefined

  constructor(isRoot: (localName: string, namespace: string) => boolean) {
    this.#isRoot = isRoot
  }

  get root(): XmlElement | undefined {
    return this.#root
  }

  open(tag: SaxesTagNS): void {
    this.#elements += 1
    if (this.#elements > ELEMENTS_MAX) refuse('too many elements')
    if (this.#open.length + this.#skipped >= DEPTH_MAX) refuse('nested too deeply')
    const parent = this.#open.at(-1)
    // The parser gives a prefix that stands for nothing as its own namespace.
    const namespace = tag.uri === tag.prefix ? '' : tag.uri
    if (!parent && !this.#isRoot(tag.local, namespace)) refuse(`the root element is not one of metadata: ${tag.name}`)
    if (!parent) this.#namespace = tag.uri
    if (this.#skipped > 0 || !this.#isOurs(tag)) {
      this.#skipped += 1
      return
    }
    const element: Growing = { name: plain(tag.local), attributes: attributesOf(tag), children: [], text: '' }
    if (parent) parent.children.push(element)
    else this.#root = element
    this.#open.push(element)
  }

  close(): void {
    if (this.#skipped > 0) {
      this.#skipped -= 1
      return
    }
    const element = this.#open.pop()
    if (element) element.text = element.text.trim().replace(/\s+/g, ' ')
  }

  append(text: string): void {
    const element = this.#open.at(-1)
    if (this.#skipped > 0 || !element || element.text.length >= TEXT_CHARACTERS_MAX) return
    element.text = (element.text + text).slice(0, TEXT_CHARACTERS_MAX)
  }

  #isOurs({ uri }: SaxesTagNS): boolean {
    return uri === this.#namespace || uri === ''
  }
}

const attributesOf = ({ attributes }: SaxesTagNS): ReadonlyMap<string, string> =>
  new Map(
    Object.values(attributes)
      .filter(({ prefix }) => prefix === '')
      .map(({ local, value }) => [plain(local), value]),
  )

const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

const refuse = (reason: string): never => {
  throw new Refusal(reason)
}

const oneLine = (text: string): string =>
  text
    .slice(0, REASON_CHARACTERS_MAX)
    .toWellFormed()
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
