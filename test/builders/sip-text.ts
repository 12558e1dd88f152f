/** What makes up a SIP message, as text of the wire. */
export interface SipTextParts {
  readonly start?: string
  /** Replaces fields of these names, or adds; undefined leaves one out, several values are several fields. */
  readonly fields?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: string | Uint8Array
}

const FIELDS = {
  Via: 'SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKcylinder',
  From: '"Alva" <sip:alva@phone.example.org>;tag=31',
  To: '<sip:rec@tone.example.net>',
  'Call-ID': 'wire.1@198.51.100.7',
  CSeq: '17 INVITE',
  'Max-Forwards': '70',
}

/** A message with every field that a request must have, changed as these parts say, with CRLF between its lines. */
export const sipText = ({
  start = 'INVITE sip:rec@tone.example.net SIP/2.0',
  fields = {},
  body = '',
}: SipTextParts): Uint8Array => {
  const lines = Object.entries({ ...FIELDS, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}`),
  )
  return Buffer.concat([Buffer.from([start, ...lines, '', ''].join('\r\n')), Buffer.from(body)])
}
