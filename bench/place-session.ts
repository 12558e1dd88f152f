import { randomUUID } from 'node:crypto'
import { makeSrtpKey, type SrtpKey, type SrtpSuite } from '../src/audio/srtp/srtp-key.ts'
import type { SessionSide, SipBody } from '../src/caller/session-side.ts'
import type { SipCaller } from '../src/caller/sip-caller.ts'
import { SipDialog } from '../src/caller/sip-dialog.ts'
import type { SipResponse } from '../src/protocol/sip/message.ts'
import type { Codec, Placed } from './capture-ramp.ts'
import { PAYLOADS } from './rtp-processes.ts'

const BOUNDARY = 'poulsen-bench'
const LABELS = ['1', '2'] as const

/** A recording session of two streams whose media somebody else sends. */
class BenchSide implements SessionSide<undefined> {
  readonly features = '+sip.src'
  readonly keys: readonly SrtpKey[]
  readonly #codec: Codec
  ports: readonly number[] = []

  constructor(codec: Codec, suite: SrtpSuite | undefined) {
    this.#codec = codec
    this.keys = suite ? LABELS.map(() => makeSrtpKey(suite)) : []
  }

  first(): SipBody {
    return this.next()
  }

  firstHeaders(): readonly (readonly [string, string])[] {
    return [['Require', 'siprec']]
  }

  next(): SipBody {
    const part = (type: string, text: string) => `--${BOUNDARY}\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`
    const parts = [part('application/sdp', this.#description()), part('application/rs-metadata+xml', metadata())]
    return { type: `multipart/mixed;boundary=${BOUNDARY}`, text: `${parts.join('')}--${BOUNDARY}--\r\n` }
  }

  establish(response: SipResponse): object {
    const answer = Buffer.from(response.body).toString()
    this.ports = [...answer.matchAll(/^m=audio (\d+)/gm)].map(([, port]) => Number(port))
    return {}
  }

  judge(): { readonly remote: undefined } {
    return { remote: undefined }
  }

  answer(): undefined {
    return undefined
  }

  #description(): string {
    const { payloadType } = PAYLOADS[this.#codec]
    const protocol = this.keys.length > 0 ? 'RTP/SAVP' : 'RTP/AVP'
    const lines = LABELS.flatMap((label, index) => {
      const key = this.keys[index]
      return [
        `m=audio 9 ${protocol} ${payloadType}`,
        ...(this.#codec === 'opus' ? [`a=rtpmap:${payloadType} opus/48000/2`] : []),
        ...(key ? [`a=crypto:1 ${key.suite} inline:${Buffer.from(key.keySalt).toString('base64')}`] : []),
        'a=sendonly',
        `a=label:${label}`,
      ]
    })
    return ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ...lines, ''].join('\r\n')
  }
}

const metadata = (): string => {
  const session = randomUUID()
  const participants = LABELS.map(
    (label) =>
      `<participant participant_id="p${label}"/><stream stream_id="s${label}" session_id="${session}"><label>${label}</label></stream>` +
      `<participantstreamassoc participant_id="p${label}"><send>s${label}</send></participantstreamassoc>`,
  )
  return `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><session session_id="${session}"/>${participants.join('')}</recording>`
}

/** One recording session without media of its own; undefined when it is refused, as it may be while capture lags. */
export const placeSession = async (caller: SipCaller, codec: Codec, suite?: SrtpSuite): Promise<Placed | undefined> => {
  const side = new BenchSide(codec, suite)
  const outcome = await caller.dial({}, side, (link, parts) => new SipDialog<undefined>(link, parts, side))
  if (outcome.kind === 'refused') return undefined
  if (outcome.kind !== 'answered') throw new Error(`a session was not answered: ${JSON.stringify(outcome)}`)
  return { call: outcome.call, ports: side.ports, keys: side.keys }
}
