import type { ExplainedStream } from '../../protocol/siprec/explained-streams.ts'
import type { ExplainedParty, ExplainedRecording, Explanation } from '../../protocol/siprec/explanation.ts'
import type { Remark } from '../../protocol/siprec/remark.ts'
import { formatTable } from './terminal.ts'

const SIGN_TEXTS = {
  '+sip.src': '+sip.src in the Contact',
  src: 'src in the Contact',
  Require: 'siprec in Require',
  Supported: 'siprec in Supported',
  metadata: 'recording metadata',
} as const

/** An explanation for people. What came from the message is shown without characters that a terminal would obey. */
export const showExplanation = (explained: Explanation): string =>
  [
    section('INVITE', showHead(explained)),
    section('participants', showParticipants(explained)),
    section('streams', showStreams(explained.streams)),
    section('answer', showAnswer(explained)),
    section('recording', showRecordings(explained)),
    section('unusual', showRemarks(explained.remarks)),
  ]
    .filter((text) => text !== '')
    .join('\n\n')

const section = (title: string, text: string): string =>
  text === ''
    ? ''
    : `${title}\n${text
        .split('\n')
        .map((line) => `  ${line}`.trimEnd())
        .join('\n')}`

const rows = (pairs: readonly (readonly [name: string, value: string | undefined])[]): string => {
  const said = pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  const width = Math.max(...said.map(([name]) => name.length))
  return said.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

const showHead = (explained: Explanation): string => {
  const { transport, byteSize, contact, isSiprec, signs, parts } = explained
  const features = contact?.features.map((name) => `;${name}`).join('') ?? ''
  return rows([
    ['Request-URI', printable(explained.uri)],
    ['from', showParty(explained.from)],
    ['contact', contact && printable(`<${contact.uri}>${features}`)],
    ['agent', explained.userAgent && printable(explained.userAgent)],
    ['Call-ID', printable(explained.callId)],
    ['message', `${byteSize} bytes${transport === undefined ? '' : ` over ${transport}`}`],
    ['body', parts.map(({ type, byteSize: size }) => `${printable(type)} (${size})`).join(', ') || 'unreadable'],
    ['SIPREC', isSiprec ? `yes: ${signs.map((sign) => SIGN_TEXTS[sign]).join(', ')}` : 'no: an ordinary call'],
    ['session', showSessions(explained)],
  ])
}

const showParty = (party: ExplainedParty | undefined): string | undefined =>
  party && printable(party.name === undefined ? party.uri : `${party.name} <${party.uri}>`)

const showSessions = ({ metadata }: Explanation): string | undefined =>
  metadata &&
  (metadata.sessions.map(({ id, uuid }) => printable(uuid === undefined ? id : `${id} (${uuid})`)).join(', ') ||
    'none yet')

const showParticipants = ({ participants }: Explanation): string =>
  participants.length === 0
    ? ''
    : formatTable(
        ['who', 'name', 'sends', 'hears'],
        participants.map(({ aor, name, sends, receives }) =>
          [aor ?? 'nobody says', name ?? '', sends.join(' ') || 'nothing', receives.join(' ') || 'nothing'].map(
            printable,
          ),
        ),
      )

const showStreams = (streams: readonly ExplainedStream[]): string =>
  streams.length === 0
    ? ''
    : formatTable(
        ['line', 'label', 'offered', 'direction', 'answer', 'codec', 'security'],
        streams.map((stream) =>
          [
            `${stream.line} ${stream.type}`,
            stream.label ?? 'none',
            stream.offered.join(' ') || 'nothing known',
            stream.direction,
            stream.answered,
            stream.codec ?? '',
            stream.security,
          ].map(printable),
        ),
      )

const showAnswer = ({ answer: { status, reason } }: Explanation): string =>
  reason === undefined ? `${status} OK` : `${status}: ${printable(reason)}`

const showRecordings = ({ recordings, legId, layout, isSiprec, isWaiting }: Explanation): string => {
  if (recordings.length === 0)
    return legId === undefined ? 'nothing' : `nothing before there is a stream\nleg id  ${legId}`
  return [
    rows([
      ['leg id', legId ?? 'that of the session to come'],
      ['layout', isSiprec ? layout : undefined],
      ['begins', isWaiting ? 'when a re-INVITE makes a line active' : 'with the answer'],
    ]),
    ...recordings.map(showRecording),
  ].join('\n')
}

const showRecording = ({ track, channels }: ExplainedRecording): string =>
  channels
    .map(
      ({ channel, lines, who }) =>
        `${track}, ${channel}: line ${lines.join(', ')}${who.length === 0 ? '' : ` (${printable(who.join(', '))})`}`,
    )
    .join('\n')

const showRemarks = (remarks: readonly Remark[]): string =>
  remarks
    .map(({ severity, says, hint, clause }) => `${severity}: ${printable(says)}\n  ${hint} (${clause})`)
    .join('\n') || 'nothing'

/** Without control characters: what a stranger wrote is not for a terminal to obey. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
