import { RS_METADATA_TYPE } from './media-type.ts'

/** The media type of a request for a snapshot: that of metadata itself (RFC 7866 §9.2, corrected by RFC 9806). */
export const SNAPSHOT_REQUEST_TYPE = RS_METADATA_TYPE

/** What a request for a snapshot may be called: today (RFC 9806), in RFC 7866 §9.2, in its drafts. */
const REQUEST_TYPES = [SNAPSHOT_REQUEST_TYPE, 'application/rs-metadata', 'application/rs-metadata-request'] as const
const REASON_CHARACTERS_MAX = 256
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/**
 * The body of a request for a snapshot of all metadata, and why we ask (RFC 7865 §7); English, one line, cut off at 256 characters. It goes in an UPDATE of its own,
 * without a session description, with the Content-Disposition `recording-session` (RFC 7866 §9.2).
 */
export const formatSnapshotRequest = (reason: string): string => {
  const text = clean(reason.slice(0, REASON_CHARACTERS_MAX))
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1">',
    `  <requestreason xml:lang="en">${text.replace(/[&<>]/g, (mark) => ESCAPES[mark] ?? '')}</requestreason>`,
    '</requestsnapshot>',
    '',
  ].join('\r\n')
}

/** The media type of a request to a sender that accepts these (its Accept header fields, with commas and parameters or without); today's when it does not say. */
export const snapshotRequestType = (accepted: readonly string[]): string => {
  const types = new Set(
    accepted.flatMap((field) => field.split(',')).map((range) => (range.split(';', 1)[0] ?? '').trim().toLowerCase()),
  )
  return REQUEST_TYPES.find((type) => types.has(type)) ?? SNAPSHOT_REQUEST_TYPE
}

/** Printable text only: what XML cannot hold (XML 1.0 §2.2), and halves of characters, become spaces. */
const clean = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{C}\ufffd\ufffe\uffff]+/gu, ' ')
    .trim()
