import { describe, expect, it } from 'vitest'
import { parseSipMessage } from './parse-message.ts'
import { checkRequest } from './required-headers.ts'

// Messages of our own to the points that RFC 4475 makes, by its sections.

interface Parts {
  readonly start?: string
  /** Replaces fields of these names (in lower case), or adds. */
  readonly fields?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: string
}

const FIELDS = {
  via: 'SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKtorture',
  from: '"Caller" <sip:caller@example.net>;tag=31',
  to: '<sip:rec@example.com>',
  'call-id': 'torture.1@192.0.2.7',
  cseq: '17 INVITE',
  'max-forwards': '70',
}

const messageOf = ({ start = 'INVITE sip:rec@example.com SIP/2.0', fields = {}, body = '' }: Parts): Uint8Array => {
  const all = Object.entries({ ...FIELDS, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}`),
  )
  return new TextEncoder().encode([start, ...all, '', body].join('\r\n'))
}

/** What becomes of a message: the status of its refusal, or `taken`. */
const verdict = (parts: Parts): number | 'taken' => {
  const parsed = parseSipMessage(messageOf(parts))
  if (parsed.kind === 'refusal') return parsed.status
  return parsed.kind === 'response' ? 'taken' : (checkRequest(parsed)?.status ?? 'taken')
}

const TAKEN: readonly (readonly [section: string, what: string, parts: Parts])[] = [
  [
    '3.1.1.1',
    'every freedom of white space, folding, case and escapes at once',
    {
      start: 'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0',
      fields: {
        to: 'sip:rec@example.com ;   tag    = 1918181833n',
        from: '"J Caller \\\\\\""       <sip:caller@example.com>\r\n  ;\r\n  tag = 98asjd8',
        'max-forwards': '0068',
        cseq: '0009\r\n  INVITE',
        via: 'SIP  / 2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw',
        s: '',
        newfangledheader: 'newfangled value\r\n continued newfangled value',
        unknownheaderwithunusualvalue: ';;,,;;,;',
        route: '<sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
        v: 'SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239',
      },
    },
  ],
  [
    '3.1.1.2',
    'a method of every character that a token may have',
    {
      start: "!interesting-Method0123456789_*+`.%indeed'~ sip:a@b SIP/2.0",
      fields: { cseq: "1 !interesting-Method0123456789_*+`.%indeed'~" },
    },
  ],
  ['3.1.1.3', 'escapes in URIs', { start: 'INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0' }],
  ['3.1.1.4', 'an escaped null', { start: 'INVITE sip:null-%00-null@example.com SIP/2.0' }],
  [
    '3.1.1.5',
    'percent signs in a method, which mean nothing',
    { start: 'RE%47IST%45R sip:a@b SIP/2.0', fields: { cseq: '2 RE%47IST%45R' } },
  ],
  [
    '3.1.1.6',
    'a display name right before the bracket',
    { fields: { from: 'caller<sip:caller@example.com>;tag=323' } },
  ],
  [
    '3.1.1.7',
    'values that are long',
    {
      fields: {
        to: `"I have a user name of ${'extreme'.repeat(20)} proportion" <sip:user@example.com:6000>`,
        'call-id': `long${'verylong'.repeat(20)}@x`,
      },
    },
  ],
  [
    '3.1.1.8',
    'bytes behind the body of a datagram',
    { fields: { 'content-length': '0' }, body: 'INVITE sip:another@example.com SIP/2.0\r\n' },
  ],
  ['3.1.1.9', 'semicolons in a user part', { start: 'INVITE sip:user;par=u%40example.net@example.com SIP/2.0' }],
  [
    '3.1.1.10',
    'transports that nobody knows further down',
    { fields: { via: [FIELDS.via, 'SIP/2.0/SCTP t2.example.com', 'SIP/2.0/UNKNOWN t5.example.com;branch=x'] } },
  ],
  ['3.1.1.12', 'a reason phrase of any text', { start: 'SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e' }],
  ['3.1.1.13', 'a response without a reason', { start: 'SIP/2.0 100 ' }],
  ['3.1.2.9', 'more than one space in the first line', { start: 'INVITE  sip:rec@example.com  SIP/2.0' }],
  ['3.1.2.10', 'spaces behind the first line', { start: 'INVITE sip:rec@example.com SIP/2.0  ' }],
  ['3.1.2.12', 'a date in another time zone', { fields: { date: 'Fri, 01 Jan 2010 16:00:00 EST' } }],
  [
    '3.1.2.14',
    'a display name of words that are no tokens',
    { fields: { to: 'Watson, Come here <sip:t.watson@ieee.org>' } },
  ],
  ['3.2.1', 'a branch that is nothing but the cookie', { fields: { via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK' } }],
  ['3.3.4', 'an unknown scheme in To', { fields: { to: '<isbn:2983792873>' } }],
  ['3.3.11', 'no forwards left: the end is reached', { fields: { 'max-forwards': '0' } }],
  [
    '3.4.1',
    'what RFC 2543 allowed: no branch, no tag',
    {
      fields: {
        via: 'SIP/2.0/UDP iftgw.example.com',
        from: '<sip:+13035551111@ift.client.example.net;user=phone>',
        'max-forwards': undefined,
      },
    },
  ],
]

const REFUSED: readonly (readonly [section: string, what: string, status: number, parts: Parts])[] = [
  ['3.1.2.1', 'separators without anything between them', 400, { fields: { via: ';;,;,,' } }],
  ['3.1.2.2', 'a Content-Length beyond the end', 400, { fields: { 'content-length': '9999' }, body: 'v=0' }],
  ['3.1.2.3', 'a negative Content-Length', 400, { fields: { 'content-length': '-999' }, body: 'v=0' }],
  ['3.1.2.4', 'numbers beyond their range', 400, { fields: { cseq: '36893488147419103232 INVITE' } }],
  ['3.1.2.4', 'a Max-Forwards beyond its range', 400, { fields: { 'max-forwards': '300' } }],
  ['3.1.2.6', 'a quotation that never ends', 400, { fields: { to: '"Mr. J. User <sip:j.user@example.com>' } }],
  ['3.1.2.7', 'brackets about the Request-URI', 400, { start: 'INVITE <sip:user@example.com> SIP/2.0' }],
  ['3.1.2.8', 'white space in the Request-URI', 400, { start: 'INVITE sip:user@example.com; lr SIP/2.0' }],
  ['3.1.2.16', 'another version of SIP', 505, { start: 'INVITE sip:rec@example.com SIP/7.0' }],
  ['3.1.2.17', 'a CSeq of another method', 400, { fields: { cseq: '8 REGISTER' } }],
  [
    '3.1.2.18',
    'the same with a method that nobody knows',
    400,
    { start: 'NEWMETHOD sip:a@b SIP/2.0', fields: { cseq: '8 INVITE' } },
  ],
  ['3.1.2.19', 'a status beyond its range', 400, { start: 'SIP/2.0 4294967301 better not break the receiver' }],
  ['3.3.1', 'no Call-ID, From or To', 400, { fields: { 'call-id': undefined, from: undefined, to: undefined } }],
  [
    '3.3.2',
    'an unknown scheme in the Request-URI',
    416,
    { start: 'INVITE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0' },
  ],
  ['3.3.3', 'a scheme that is known and no call', 416, { start: 'INVITE soap.beep://192.0.2.103:3002 SIP/2.0' }],
  ['3.3.8', 'two values where there is one', 400, { fields: { 'call-id': ['a@b', 'c@d'] } }],
  ['3.3.8', 'two CSeqs', 400, { fields: { cseq: ['5 INVITE', '59 INVITE'] } }],
  ['3.3.9', 'two different Content-Lengths', 400, { fields: { 'content-length': ['0', '3'] }, body: 'abc' }],
]

describe('what RFC 4475 tortures parsers with', () => {
  it.each(TAKEN)('§%s is taken: %s', (_section, _what, parts) => {
    expect(verdict(parts)).toBe('taken')
  })

  it.each(REFUSED)('§%s is refused: %s', (_section, _what, status, parts) => {
    expect(verdict(parts)).toBe(status)
  })
})
