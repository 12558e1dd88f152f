import type {
  LocalEnd,
  SipFlow,
  SipProtocol,
  SipReceiver,
  SipTransports,
  SocketAddress,
} from '../../src/edges/sip/flow.ts'
import { formatHostPort } from '../../src/edges/sip/flow.ts'
import {
  headerOf,
  type SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../src/protocol/sip/message.ts'
import { parseSipMessage } from '../../src/protocol/sip/parse-message.ts'

/** What our server is reached at in memory. */
export const SERVER: LocalEnd = { address: '192.0.2.1', port: 5060, host: '192.0.2.1' }

/** A flow in memory: keeps what the server sends on it. */
export class MemoryFlow implements SipFlow {
  readonly protocol: SipProtocol
  readonly remote: SocketAddress
  readonly sent: SipMessage[] = []
  /** Where each datagram went. */
  readonly targets: SocketAddress[] = []
  readonly #closeListeners = new Set<() => void>()
  isOpen = true
  peerCertificate: string | undefined
  isTrusted = false
  retainers = 0

  constructor(protocol: SipProtocol, remote: SocketAddress) {
    this.protocol = protocol
    this.remote = remote
  }

  send(bytes: Uint8Array, to = this.remote): boolean {
    if (!this.isOpen) return false
    const message = parseSipMessage(bytes)
    if (message.kind === 'refusal') throw new Error(`the server sent what cannot be read: ${message.reason}`)
    this.sent.push(message)
    this.targets.push(to)
    return true
  }

  async findLocal(): Promise<LocalEnd> {
    return SERVER
  }

  onClosed(listener: () => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /** The peer ends the connection. */
  close(): void {
    this.isOpen = false
    for (const listener of [...this.#closeListeners]) listener()
  }

  trust(): void {
    this.isTrusted = true
  }

  retain(): () => void {
    this.retainers += 1
    return () => {
      this.retainers -= 1
    }
  }
}

/** Outgoing connections in memory; each is a flow of its own. */
export class MemoryTransports implements SipTransports {
  readonly opened: MemoryFlow[] = []

  async connect(protocol: SipProtocol, remote: SocketAddress): Promise<SipFlow> {
    const flow = new MemoryFlow(protocol, remote)
    this.opened.push(flow)
    return flow
  }
}

/** What a request of a peer says beside what it must. */
export interface RequestParts {
  readonly branch?: string
  readonly sequence?: number
  readonly headers?: SipHeaders
  readonly body?: string
  readonly uri?: string
}

let names = 0
const aName = (kind: string): string => {
  names += 1
  return `${kind}${names}`
}

/** One call as its caller sees it: makes requests of it and looks at what came back. */
export class PeerCall {
  readonly flow: MemoryFlow
  readonly callId: string
  readonly fromTag = aName('from')
  readonly #receiver: SipReceiver
  #sequence = 0
  toTag: string | undefined
  /** Of the latest INVITE. */
  inviteBranch = ''
  inviteSequence = 0

  constructor(receiver: SipReceiver, flow: MemoryFlow, callId = `${aName('call')}@peer.example.com`) {
    this.#receiver = receiver
    this.flow = flow
    this.callId = callId
  }

  /** Sends a request; its branch. */
  send(method: string, parts: RequestParts = {}): string {
    const request = this.form(method, parts)
    if (method === 'INVITE') this.noteInvite(branchOf(request))
    this.#receiver.received(request, this.flow)
    return branchOf(request)
  }

  /** The latest INVITE is this one; what is cancelled and acknowledged is that. */
  noteInvite(branch: string): void {
    this.inviteBranch = branch
    this.inviteSequence = this.#sequence
  }

  invite(parts: RequestParts = {}): string {
    const type: SipHeaders = [['Content-Type', 'application/sdp']]
    const headers = [...(parts.body === '' ? [] : type), ...(parts.headers ?? [])]
    return this.send('INVITE', { body: anOffer(), ...parts, headers })
  }

  /** The ACK of a 2xx: a branch of its own; of a refusal: that of the INVITE (RFC 3261 §13.2.2.4, §17.1.1.3). */
  ack(parts: RequestParts = {}): void {
    const isRefused = (this.finalOf(this.inviteBranch)?.status ?? 200) >= 300
    this.send('ACK', { sequence: this.inviteSequence, ...(isRefused && { branch: this.inviteBranch }), ...parts })
  }

  /** Cancels the latest INVITE. */
  cancel(): void {
    this.send('CANCEL', { branch: this.inviteBranch, sequence: this.inviteSequence })
  }

  /** A request as bytes would bring it. */
  form(method: string, parts: RequestParts = {}): SipRequest {
    if (parts.sequence === undefined && method !== 'ACK' && method !== 'CANCEL') this.#sequence += 1
    const { remote, protocol } = this.flow
    const to = method === 'CANCEL' || this.toTag === undefined ? '' : `;tag=${this.toTag}`
    const lines = [
      `${method} ${parts.uri ?? 'sip:rec@192.0.2.1'} SIP/2.0`,
      `Via: SIP/2.0/${protocol} ${formatHostPort(remote)};branch=${parts.branch ?? aName('z9hG4bK')}`,
      'Max-Forwards: 70',
      `From: "A caller" <sip:alice@peer.example.com>;tag=${this.fromTag}`,
      `To: <sip:rec@192.0.2.1>${to}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${parts.sequence ?? this.#sequence} ${method}`,
      ...(parts.headers?.some(([name]) => name === 'Contact')
        ? []
        : [`Contact: <sip:alice@${formatHostPort(remote)}>`]),
      ...(parts.headers ?? []).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(parts.body ?? '')}`,
    ]
    const message = parseSipMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${parts.body ?? ''}`))
    if (message.kind !== 'request') throw new Error('the test made no request')
    return message
  }

  /** Answers to a branch, in order. A CANCEL shares its INVITE's branch; its answers are no part of this. */
  responsesTo(branch: string): readonly SipResponse[] {
    return this.flow.sent
      .filter((each) => each.kind === 'response')
      .filter((each) => branchOf(each) === branch && !headerOf(each, 'CSeq')?.endsWith('CANCEL'))
  }

  statusesOf(branch: string): readonly number[] {
    return this.responsesTo(branch).map(({ status }) => status)
  }

  /** The final answer to a branch. */
  finalOf(branch: string): SipResponse | undefined {
    return this.responsesTo(branch).find(({ status }) => status >= 200)
  }

  /** Takes the dialog that the latest INVITE made. */
  learn(): SipResponse {
    const final = this.finalOf(this.inviteBranch)
    if (!final) throw new Error('the INVITE has no final answer')
    this.toTag = /;tag=([^;]+)/.exec(headerOf(final, 'To') ?? '')?.[1]
    return final
  }

  /** Requests of the server in this call. */
  requests(method?: string): readonly SipRequest[] {
    return this.flow.sent
      .filter((each) => each.kind === 'request')
      .filter((each) => headerOf(each, 'Call-ID') === this.callId && (method ?? each.method) === each.method)
  }

  /** Answers a request of the server. */
  respond(request: SipRequest, status: number, headers: SipHeaders = []): void {
    const copied = request.headers.filter(([name]) => ['Via', 'From', 'To', 'Call-ID', 'CSeq'].includes(name))
    const response = { kind: 'response', status, reason: 'x', headers: [...copied, ...headers], body: new Uint8Array() }
    this.#receiver.received(response as SipResponse, this.flow)
  }
}

const branchOf = (message: SipMessage): string => /branch=([^;,\s]+)/.exec(headerOf(message, 'Via') ?? '')?.[1] ?? ''

/** An offer of one audio line. */
export const anOffer = (
  parts: {
    readonly formats?: string
    readonly direction?: string
    readonly address?: string
    readonly port?: number
  } = {},
): string => {
  const { formats = '0 8 101', direction = 'sendrecv', address = '192.0.2.10', port = 20_000 } = parts
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}`,
    ...(formats.includes('101') ? ['a=rtpmap:101 telephone-event/8000'] : []),
    `a=${direction}`,
    '',
  ].join('\r\n')
}
