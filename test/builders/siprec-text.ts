/** One audio line of a recording client's offer. */
export interface OfferedLine {
  readonly port: number
  readonly label?: string
  readonly formats?: string
  readonly direction?: string
  readonly protocol?: string
  readonly attributes?: readonly string[]
}

/** An offer of a recording client. */
export const aSessionOffer = (lines: readonly OfferedLine[], address = '192.0.2.10'): string =>
  [
    'v=0',
    `o=src 7 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    ...lines.flatMap(
      ({ port, label, formats = '0', direction = 'sendonly', protocol = 'RTP/AVP', attributes = [] }) => [
        `m=audio ${port} ${protocol} ${formats}`,
        `a=${direction}`,
        ...(label === undefined ? [] : [`a=label:${label}`]),
        ...attributes,
      ],
    ),
    '',
  ].join('\r\n')

/** A participant and the labels of the streams that it sends. */
export interface MetadataParticipant {
  readonly name: string
  readonly labels: readonly string[]
}

const base64 = (text: string): string => Buffer.from(text.padEnd(16, '.').slice(0, 16)).toString('base64')

/** An RFC 7865 document; a session of undefined: none. */
export const aMetadata = ({
  session = '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  participants = [],
  dataMode = 'complete',
}: {
  readonly session?: string | undefined
  readonly participants?: readonly MetadataParticipant[]
  readonly dataMode?: 'complete' | 'partial'
}): string => {
  const streams = [...new Set(participants.flatMap(({ labels }) => labels))]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<recording xmlns="urn:ietf:params:xml:ns:recording:1">',
    `<datamode>${dataMode}</datamode>`,
    ...(session === '' ? [] : [`<session session_id="${session}"/>`]),
    ...participants.map(
      ({ name }) =>
        `<participant participant_id="${base64(`p-${name}`)}"><nameID aor="sip:${name}@example.com"/></participant>`,
    ),
    ...streams.map(
      (label) => `<stream stream_id="${base64(`s-${label}`)}" session_id="${session}"><label>${label}</label></stream>`,
    ),
    ...participants.flatMap(({ name, labels }) => [
      `<participantsessionassoc participant_id="${base64(`p-${name}`)}" session_id="${session}"/>`,
      `<participantstreamassoc participant_id="${base64(`p-${name}`)}">`,
      ...labels.map((label) => `<send>${base64(`s-${label}`)}</send>`),
      '</participantstreamassoc>',
    ]),
    '</recording>',
    '',
  ].join('\r\n')
}

export const BOUNDARY = 'unique-boundary-1'

/** Parts as one multipart body, in their order. */
export const multipart = (parts: readonly (readonly [contentType: string, body: string])[]): string =>
  [
    ...parts.map(([type, body]) => `--${BOUNDARY}\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`),
    `--${BOUNDARY}--\r\n`,
  ].join('')
