import { randomUUID } from 'node:crypto'
import { headerOf, headersOf, type SipHeaders, type SipRequest, type SipResponse } from '../protocol/sip/message.ts'
import type { CallerCodec } from './caller-codecs.ts'
import { answerChallenge, type Credentials } from './digest-answer.ts'
import {
  agreedCodec,
  chooseCodec,
  formatSession,
  type LocalMedia,
  type RemoteSession,
  readSession,
} from './session-text.ts'
import { type Dialog, sessionHeaders } from './sip-call.ts'
import { addressesOf, type LocalParty, makeRequest, newBranch, secondsOf, tagOf, viaOf } from './sip-text.ts'

/** One call. */
export interface InviteOptions {
  readonly media: LocalMedia
  /** Sends no offer: the 2xx has it, and the ACK our answer. */
  readonly hasLateOffer?: boolean
  readonly callId?: string
  readonly credentials?: Credentials
  /** Asks for a session timer (RFC 4028) of so many seconds. */
  readonly sessionExpiresSeconds?: number
  /** Whether it refreshes the session when that falls to it; true unless said. */
  readonly refreshes?: boolean
  readonly headers?: SipHeaders
  /** Gives up when nobody has answered; 10 s unless said. */
  readonly answerDeadlineMs?: number
  /** Cancels after this time, when it was not answered before. */
  readonly cancelAfterMs?: number
}

/** What a 2xx and we agree on, or why a strict caller does not. */
export type Agreement =
  | {
      readonly codec: CallerCodec
      readonly remote: RemoteSession
      /** Our media as it is from now on. */
      readonly media: LocalMedia
      /** For the ACK, when the offer was theirs. */
      readonly answer: string | undefined
    }
  | { readonly reason: string }

/** An INVITE through all its attempts: same Call-ID and From tag, rising CSeq. */
export class Invitation {
  readonly callId: string
  readonly provisional: number[] = []
  readonly #party: LocalParty
  readonly #uri: string
  readonly #options: InviteOptions
  readonly #from: string
  readonly #to: string
  readonly #sessionId = `${Date.now()}`
  #expiresSeconds: number | undefined
  #authorization: readonly (readonly [string, string])[] = []
  #minSeconds: number | undefined
  cseq = 0
  isCancelled = false

  constructor(party: LocalParty, uri: string, options: InviteOptions) {
    this.#party = party
    this.#uri = uri
    this.#options = options
    this.callId = options.callId ?? randomUUID()
    this.#expiresSeconds = options.sessionExpiresSeconds
    const { from, to } = addressesOf(party, uri)
    this.#from = from
    this.#to = to
  }

  request(): SipRequest {
    this.cseq += 1
    const { hasLateOffer, headers = [] } = this.#options
    return makeRequest({
      method: 'INVITE',
      uri: this.#uri,
      via: viaOf(this.#party, newBranch()),
      from: this.#from,
      to: this.#to,
      callId: this.callId,
      cseq: this.cseq,
      headers: [
        ...sessionHeaders(this.#party),
        ['Accept', 'application/sdp'],
        ...(this.#expiresSeconds === undefined ? [] : [['Session-Expires', `${this.#expiresSeconds}`] as const]),
        ...(this.#minSeconds === undefined ? [] : [['Min-SE', `${this.#minSeconds}`] as const]),
        ...this.#authorization,
        ...headers,
      ],
      body: hasLateOffer ? undefined : { type: 'application/sdp', text: this.#session(1) },
    })
  }

  cancellation(invite: SipRequest): SipRequest {
    const via = headerOf(invite, 'Via') ?? ''
    return makeRequest({ ...this.#parts(), method: 'CANCEL', via, cseq: this.cseq })
  }

  /** Whether another attempt can do better after this response: with credentials, or with a longer session. */
  amend(response: SipResponse): boolean {
    const { status } = response
    const { credentials } = this.#options
    if ((status === 401 || status === 407) && credentials && this.#authorization.length === 0) {
      const [ask, reply] =
        status === 401 ? ['WWW-Authenticate', 'Authorization'] : ['Proxy-Authenticate', 'Proxy-Authorization']
      const challenges = headersOf(response, ask as string)
      const value = answerChallenge(challenges, { method: 'INVITE', uri: this.#uri }, credentials)
      if (value !== undefined) this.#authorization = [[reply as string, value]]
      return value !== undefined
    }
    const minSeconds = secondsOf(response, 'Min-SE')
    if (status !== 422 || minSeconds === undefined || this.#minSeconds !== undefined) return false
    this.#minSeconds = minSeconds
    this.#expiresSeconds = Math.max(minSeconds, this.#expiresSeconds ?? 0)
    return true
  }

  dialogOf(response: SipResponse, media: LocalMedia): Dialog {
    return {
      callId: this.callId,
      from: this.#from,
      cseq: this.cseq,
      response,
      media,
      sessionId: this.#sessionId,
      refreshes: this.#options.refreshes ?? true,
    }
  }

  /** What the 2xx and we agree on. */
  agree(response: SipResponse): Agreement {
    const { media, hasLateOffer } = this.#options
    if (tagOf(response, 'To') === undefined) return { reason: 'The 2xx has no To tag.' }
    if (headerOf(response, 'Contact') === undefined) return { reason: 'The 2xx has no Contact.' }
    const remote = readSession(Buffer.from(response.body).toString())
    if ('reason' in remote) return remote
    if (!hasLateOffer) {
      const codec = agreedCodec(media, remote)
      return 'reason' in codec ? codec : { codec, remote, media, answer: undefined }
    }
    const codec = chooseCodec(media.codecs, remote)
    if (!codec) return { reason: 'The offer in the 2xx has no codec of ours.' }
    const ours = { ...media, codecs: [codec], isMultiplexed: media.isMultiplexed && remote.isMultiplexed }
    return { codec, remote, media: ours, answer: this.#session(1, ours) }
  }

  #session(version: number, media = this.#options.media): string {
    return formatSession(media, { sessionId: this.#sessionId, version, direction: 'sendrecv' })
  }

  #parts() {
    return { uri: this.#uri, from: this.#from, to: this.#to, callId: this.callId }
  }
}
