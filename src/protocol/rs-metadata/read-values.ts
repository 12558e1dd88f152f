import { parseDateTime } from '../date-time.ts'
import type { XmlElement } from './read-xml.ts'
import type { RsTimes } from './rs-document.ts'

/** Takes down what is wrong with a document that can still be read. */
export type Note = (problem: string) => void

export const ID_CHARACTERS_MAX = 128
const SHOWN_CHARACTERS_MAX = 64

/** The text of the first child of a name; undefined when there is none or it is empty. */
export const childText = (element: XmlElement, name: string): string | undefined =>
  element.children.find((child) => child.name === name && child.text !== '')?.text

/** The texts of all children of a name that have any. */
export const textsOf = (element: XmlElement, name: string): readonly string[] =>
  element.children.filter((child) => child.name === name && child.text !== '').map(({ text }) => text)

/** An element's own id: `session_id`, in drafts `id`. Undefined, and noted, when there is none or it is no id. */
export const idOf = (element: XmlElement, kind: string, note: Note): string | undefined => {
  const id = usableId(element.attributes.get(`${kind}id`)) ?? usableId(element.attributes.get('id'))
  if (id === undefined) note(`a ${kind} without a usable id`)
  return id
}

/** The id of another element that one refers to: `session_id`, in drafts `session`. */
export const referenceTo = (element: XmlElement, kind: string): string | undefined =>
  usableId(element.attributes.get(`${kind}id`)) ?? usableId(element.attributes.get(kind))

/** Text as an id, which has no white space, though base64 may have been broken into lines; undefined when it is empty or too long for one. */
export const usableId = (text: string | undefined): string | undefined => {
  const id = text?.replace(/\s+/g, '') ?? ''
  return id !== '' && id.length <= ID_CHARACTERS_MAX ? id : undefined
}

/** Unix milliseconds of a child that holds a time (RFC 7865 §6.9); undefined when there is none, noted when it is no time. */
export const timeOf = (element: XmlElement, name: string, note: Note): number | undefined => {
  const text = childText(element, name)
  if (text === undefined) return undefined
  const ms = parseRsTime(text)
  if (ms === undefined) note(`not a time: ${shown(text)}`)
  return ms
}

export const timesOf = (element: XmlElement, note: Note): RsTimes => ({
  associatedAtMs: timeOf(element, 'associatetime', note),
  disassociatedAtMs: timeOf(element, 'disassociatetime', note),
})

const ZONE = /(?:Z|[+-]\d\d:?\d\d)$/i

/** RFC 3339, also with `+0200`, and without a zone, which is taken as UTC: both are met. */
const parseRsTime = (text: string): number | undefined => {
  const zone = ZONE.exec(text)?.[0]
  if (zone === undefined) return parseDateTime(`${text}Z`)
  return parseDateTime(`${text.slice(0, -zone.length)}${zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`)
}

/** What came, as it may stand in a problem: short, and of one line. */
export const shown = (text: string): string =>
  text
    .slice(0, SHOWN_CHARACTERS_MAX)
    .toWellFormed()
    .replace(/[\p{C}\s]+/gu, ' ')
