import { parseCseq } from '../../protocol/sip/cseq.ts'
import { splitHeaderList } from '../../protocol/sip/header-list.ts'
import { headerOf, headersOf, type SipHeaders, type SipRequest } from '../../protocol/sip/message.ts'
import { parseNameAddr } from '../../protocol/sip/name-addr.ts'
import { parseSipUri } from '../../protocol/sip/sip-uri.ts'

/** Routes that are kept; a request that has gone through more proxies than Max-Forwards ever allows is no request. */
const ROUTES_MAX = 70
const MAX_FORWARDS = '70'
const NO_BODY = new Uint8Array()

/** What identifies a dialog (RFC 3261 §12); `remoteTag` is empty for peers that have none. */
export interface DialogId {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
}

/** One text for a {@link DialogId}. */
export const dialogKey = ({ callId, localTag, remoteTag }: DialogId): string => `${callId}\0${localTag}\0${remoteTag}`

/** The dialog that a request says it belongs to; undefined when its To has no tag. */
export const dialogOf = (request: SipRequest): DialogId | undefined => {
  const localTag = parseNameAddr(headerOf(request, 'To') ?? '')?.parameters.get('tag')
  if (localTag === undefined) return undefined
  const remoteTag = parseNameAddr(headerOf(request, 'From') ?? '')?.parameters.get('tag') ?? ''
  return { callId: headerOf(request, 'Call-ID') ?? '', localTag, remoteTag }
}

/** Number of a request's CSeq; 0 when it has none, which checked requests always do. */
export const sequenceOf = (request: SipRequest): number => parseCseq(headerOf(request, 'CSeq') ?? '')?.sequence ?? 0

/** The URI of a request's Contact, when that is a SIP URI. */
export const contactOf = (request: SipRequest): string | undefined => {
  const [first] = splitHeaderList(headerOf(request, 'Contact') ?? '')
  const uri = parseNameAddr(first ?? '')?.uri
  return uri !== undefined && parseSipUri(uri) ? uri : undefined
}

/** The state of a dialog that a peer's INVITE made, as UAS (RFC 3261 §12.1.1). */
export class Dialog {
  readonly id: DialogId
  readonly #local: string
  readonly #remote: string
  readonly #routes: readonly string[]
  #target: string
  #remoteSequence: number
  #localSequence = 0

  /** From an INVITE that has a Contact of a SIP URI: see {@link contactOf}. */
  constructor(invite: SipRequest, localTag: string, target: string) {
    const from = headerOf(invite, 'From') ?? ''
    const remoteTag = parseNameAddr(from)?.parameters.get('tag') ?? ''
    this.id = { callId: headerOf(invite, 'Call-ID') ?? '', localTag, remoteTag }
    this.#local = `${headerOf(invite, 'To') ?? ''};tag=${localTag}`
    this.#remote = from
    this.#routes = headersOf(invite, 'Record-Route').flatMap(splitHeaderList).slice(0, ROUTES_MAX)
    this.#target = target
    this.#remoteSequence = sequenceOf(invite)
  }

  /** True when requests go by way of proxies. */
  get isRouted(): boolean {
    return this.#routes.length > 0
  }

  /** Takes the number of the peer's next request; false when it is out of order (RFC 3261 §12.2.2). */
  takeSequence(sequence: number): boolean {
    if (sequence <= this.#remoteSequence) return false
    this.#remoteSequence = sequence
    return true
  }

  /** Where requests of ours go from now on: the Contact of a target refresh (RFC 3261 §12.2.2). */
  retarget(uri: string | undefined): void {
    if (uri !== undefined) this.#target = uri
  }

  /** The URI of the next hop: the first route, else the peer's Contact. */
  get nextHop(): string {
    return uriOf(this.#routes[0]) ?? this.#target
  }

  /** The next request of ours, but for its Via (RFC 3261 §12.2.1.1); routes of strict routers (RFC 2543) are turned as they want it. */
  request(method: string, headers: SipHeaders, body: Uint8Array = NO_BODY): SipRequest {
    this.#localSequence += 1
    const isLoose = this.#routes.length === 0 || (parseSipUri(this.nextHop)?.parameters.has('lr') ?? false)
    const routes = isLoose ? this.#routes : [...this.#routes.slice(1), `<${this.#target}>`]
    return {
      kind: 'request',
      method,
      uri: isLoose ? this.#target : this.nextHop,
      headers: [
        ['Max-Forwards', MAX_FORWARDS],
        ...routes.map((route) => ['Route', route] as const),
        ['From', this.#local],
        ['To', this.#remote],
        ['Call-ID', this.id.callId],
        ['CSeq', `${this.#localSequence} ${method}`],
        ...headers,
      ],
      body,
    }
  }
}

const uriOf = (route: string | undefined): string | undefined =>
  route === undefined ? undefined : parseNameAddr(route)?.uri
