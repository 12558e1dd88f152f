import { formatHostPort } from '../../../src/edges/sip/flow.ts'
import { formatSipMessage } from '../../../src/protocol/sip/format-message.ts'
import { headerOf, type SipHeaders, type SipRequest, type SipResponse } from '../../../src/protocol/sip/message.ts'
import { parseNameAddr } from '../../../src/protocol/sip/name-addr.ts'
import { parseSipMessage } from '../../../src/protocol/sip/parse-message.ts'
import type { PeerCall } from '../../fakes/sip-peer.ts'
import { openStream, openUdp, type WireClient } from '../../integration/support/sip-wire.ts'
import { waitFor } from '../../support/wait-for.ts'

const LOOPBACK = '127.0.0.1'
/** Where a message says that answers and requests go: its Via, under both names, and its Contact. */
const SENT_BY = /^((?:Via|v): *SIP\/2\.0\/(?:UDP|TCP|TLS) )(?:\[[^\]]+\]|[^\s:;]+)(?::\d+)?/im
const CONTACT_HOST = /^((?:Contact|m): *<?sip:(?:[^@\s;>]+@)?)(?:\[[^\]]+\]|[^\s:;>]+)(?::\d+)?/im
const MEDIA_PORT = /^(m=\w+ )\d{5} /gm

/**
 * A recording client that sends messages of the corpus as they are, but for its own address in Via and Contact and its own media ports; these have five digits, too, so
 * that no length in the body changes.
 */
export class GoldenCaller {
  readonly #client: WireClient
  readonly #call: PeerCall
  #invite: SipRequest | undefined
  #answer: SipResponse | undefined

  private constructor(client: WireClient) {
    this.#client = client
    this.#call = client.aCall()
  }

  static async open(transport: 'UDP' | 'TCP' | 'TLS', port: number): Promise<GoldenCaller> {
    const target = { address: LOOPBACK, port }
    return new GoldenCaller(transport === 'UDP' ? await openUdp(target) : await openStream(transport, target))
  }

  /** Sends a request, its m-lines with these ports in their order; resolves with its final answer. */
  async send(message: Buffer, mediaPorts: readonly number[]): Promise<SipResponse> {
    const bytes = this.#own(message, mediaPorts)
    const request = parseSipMessage(bytes)
    if (request.kind !== 'request') throw new Error(`not a request: ${JSON.stringify(request)}`)
    this.#client.write(bytes)
    const cseq = headerOf(request, 'CSeq')
    const answer = await waitFor(() =>
      this.#call.flow.sent.find(
        (each): each is SipResponse =>
          each.kind === 'response' && each.status >= 200 && headerOf(each, 'CSeq') === cseq,
      ),
    )
    if (request.method === 'INVITE') this.#invite = request
    this.#answer = answer
    return answer
  }

  /** The To tag that the answer gave. */
  get toTag(): string {
    return parseNameAddr(headerOf(this.#told(), 'To') ?? '')?.parameters.get('tag') ?? ''
  }

  /** Acknowledges the latest INVITE. */
  ack(): void {
    this.#request('ACK', Number.parseInt(headerOf(this.#sent(), 'CSeq') ?? '', 10))
  }

  /** Hangs up; resolves with the answer's status. */
  async bye(): Promise<number> {
    const sequence = 1_000_000_000
    this.#request('BYE', sequence)
    const answer = await waitFor(() =>
      this.#call.flow.sent.find((each) => each.kind === 'response' && headerOf(each, 'CSeq') === `${sequence} BYE`),
    )
    return answer.kind === 'response' ? answer.status : 0
  }

  close(): void {
    this.#client.close()
  }

  #own(message: Buffer, mediaPorts: readonly number[]): Buffer {
    const ours = formatHostPort(this.#call.flow.remote)
    let line = 0
    const text = message
      .toString('latin1')
      .replace(SENT_BY, `$1${ours}`)
      .replace(CONTACT_HOST, `$1${ours}`)
      .replace(MEDIA_PORT, (_, start: string) => {
        const port = mediaPorts[line++] ?? 0
        if (port < 10_000) throw new Error(`no port of five digits for line ${line}`)
        return `${start}${port} `
      })
    return Buffer.from(text, 'latin1')
  }

  #request(method: string, sequence: number): void {
    const invite = this.#sent()
    const { protocol, remote } = this.#call.flow
    const headers: SipHeaders = [
      ['Via', `SIP/2.0/${protocol} ${formatHostPort(remote)};branch=z9hG4bK${method}${sequence}${this.toTag}`],
      ['Max-Forwards', '70'],
      ['From', headerOf(invite, 'From') ?? ''],
      ['To', headerOf(this.#told(), 'To') ?? ''],
      ['Call-ID', headerOf(invite, 'Call-ID') ?? ''],
      ['CSeq', `${sequence} ${method}`],
    ]
    const uri = parseNameAddr(headerOf(this.#told(), 'Contact') ?? '')?.uri ?? invite.uri
    this.#client.write(formatSipMessage({ kind: 'request', method, uri, headers, body: new Uint8Array(0) }))
  }

  #sent(): SipRequest {
    if (!this.#invite) throw new Error('there was no INVITE')
    return this.#invite
  }

  #told(): SipResponse {
    if (!this.#answer) throw new Error('there was no answer')
    return this.#answer
  }
}
