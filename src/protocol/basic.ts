/** What a Basic Authorization header carries. */
export interface BasicCredentials {
  readonly user: string
  readonly password: string
}

const BASIC = /^basic +([a-z0-9+/]+={0,2})$/i
/** Longest header value that is looked at; ours need about 130 characters. */
const LENGTH_MAX = 1024

/** The credentials in an Authorization value (RFC 7617 §2: split at the first colon), or undefined when it is not well-formed Basic. */
export const parseBasic = (header: string | undefined): BasicCredentials | undefined => {
  if (header === undefined || header.length > LENGTH_MAX) return undefined
  const encoded = BASIC.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const pair = decode(encoded)
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : { user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}

/** Base64 to Latin-1 text; ids and secrets are ASCII, so any other byte simply matches nothing. */
const decode = (encoded: string): string => Buffer.from(encoded, 'base64').toString('latin1')
