import { decodeXml } from './decode-xml.ts'
import { readRecording } from './read-recording.ts'
import { readXml, type XmlElement } from './read-xml.ts'
import { PROBLEMS_MAX, type RsDocument, type RsRefusal } from './rs-document.ts'

export const RS_METADATA_BYTES_MAX = 262_144
/** Things, associations, and what these send and receive. */
export const ITEMS_MAX = 2048
/** That of RFC 7865 §5.1.1, none, and those of its drafts. */
const NAMESPACE = /^(?:urn:ietf:params:xml:ns:(?:recording|siprec)(?::\d{1,3})?)?$/
const ITEMS: ReadonlySet<string> = new Set([
  'group',
  'session',
  'participant',
  'stream',
  'sessionrecordingassoc',
  'participantsessionassoc',
  'participantstreamassoc',
])

/**
 * One metadata document (RFC 7865), or why it is none; `charset` is that of its Content-Type, if it has one. Strict where it would be dangerous: no document type, so no entities of its own; bounded in bytes, depth and
 * number. Tolerant of what is met: no namespace, prefixes, elements of vendors, names and modes in another case, the forms of drafts, missing elements.
 */
export const parseRsMetadata = (bytes: Uint8Array, charset?: string): RsDocument | RsRefusal => {
  if (bytes.length > RS_METADATA_BYTES_MAX) return { reason: 'too large' }
  const decoded = decodeXml(bytes, charset)
  if ('reason' in decoded) return decoded
  if (decoded.text === '') return { reason: 'empty' }
  const root = readXml(decoded.text, isRecording)
  if ('reason' in root) return root
  if (itemsIn(root) > ITEMS_MAX) return { reason: 'too many items' }
  const document = readRecording(root)
  if (!decoded.isDamaged) return document
  const problems = ['not all bytes are text of its encoding', ...document.problems].slice(0, PROBLEMS_MAX)
  return { ...document, problems }
}

const isRecording = (localName: string, namespace: string): boolean =>
  localName.toLowerCase() === 'recording' && NAMESPACE.test(namespace)

const itemsIn = ({ children }: XmlElement): number =>
  children
    .filter(({ name }) => ITEMS.has(name))
    .reduce((sum, item) => sum + 1 + item.children.filter(({ name }) => name === 'send' || name === 'recv').length, 0)
