import type { SipHeaders, SipRequest, SipResponse } from '../protocol/sip/message.ts'
import { agreedCodec, chooseCodec } from './agreement.ts'
import type { CallerCodec } from './caller-codecs.ts'
import type { Direction } from './read-description.ts'
import type { Disagreement, SessionSide, SideAnswer, SipBody } from './session-side.ts'
import { formatSession, type LocalMedia, type RemoteSession, readSession } from './session-text.ts'

/** What a 2xx and we agree on. */
export interface AudioAgreement {
  readonly codec: CallerCodec
  readonly remote: RemoteSession
}

const SDP = 'application/sdp'

/** The session of a plain call: one stream of audio, both ways. */
export class AudioSession implements SessionSide<RemoteSession> {
  readonly #hasLateOffer: boolean
  readonly #sessionId = `${Date.now()}`
  #version = 1
  media: LocalMedia
  direction: Direction = 'sendrecv'
  /** Present once the other side has agreed. */
  agreement: AudioAgreement | undefined

  constructor(media: LocalMedia, hasLateOffer = false) {
    this.media = media
    this.#hasLateOffer = hasLateOffer
  }

  first(): SipBody | undefined {
    return this.#hasLateOffer ? undefined : this.#describe()
  }

  firstHeaders(): SipHeaders {
    return [['Accept', SDP]]
  }

  establish(response: SipResponse): { readonly answer?: SipBody } | Disagreement {
    const remote = readBody(response)
    if ('reason' in remote) return remote
    if (!this.#hasLateOffer) {
      const codec = agreedCodec(this.media, remote)
      if ('reason' in codec) return codec
      this.agreement = { codec, remote }
      return {}
    }
    const codec = chooseCodec(this.media.codecs, remote)
    if (!codec) return { reason: 'The offer in the 2xx has no codec of ours.' }
    this.media = { ...this.media, codecs: [codec], isMultiplexed: this.media.isMultiplexed && remote.isMultiplexed }
    this.agreement = { codec, remote }
    return { answer: this.#describe() }
  }

  next(): SipBody {
    this.#version += 1
    return this.#describe()
  }

  judge(response: SipResponse): { readonly remote: RemoteSession | undefined } | Disagreement {
    if (response.body.length === 0) return { remote: undefined }
    const remote = readBody(response)
    if ('reason' in remote) return remote
    const codec = agreedCodec(this.media, remote)
    return 'reason' in codec ? codec : { remote }
  }

  answer({ method, body }: SipRequest): SideAnswer | undefined {
    return method === 'INVITE' || (method === 'UPDATE' && body.length > 0) ? { body: this.next() } : undefined
  }

  #describe(): SipBody {
    const origin = { sessionId: this.#sessionId, version: this.#version, direction: this.direction }
    return { type: SDP, text: formatSession(this.media, origin) }
  }
}

const readBody = ({ body }: SipResponse): RemoteSession | Disagreement => readSession(Buffer.from(body).toString())
