import { headerOf, type SipHeaders, type SipRequest, type SipResponse } from '../protocol/sip/message.ts'
import type { CallerCodec } from './caller-codecs.ts'
import type { Direction, RemoteLine } from './read-description.ts'
import { readCrypto } from './sdes.ts'
import type { Disagreement, SessionSide, SideAnswer, SipBody } from './session-side.ts'
import { formatDescription, type LocalLine, type LocalMedia } from './session-text.ts'
import { isServerContact, judgeAnswer, judgeOffer } from './siprec-answer.ts'
import { formatBody, METADATA_DISPOSITION, SDP_TYPE, SNAPSHOT_REQUEST_TYPES } from './siprec-body.ts'
import { completeDocument, partialDocument } from './siprec-documents.ts'
import type { MetadataMode } from './siprec-events.ts'
import { formatMetadata } from './siprec-metadata.ts'
import type { SessionOptions } from './siprec-options.ts'
import type { RemoteLines, ServerRequest } from './siprec-outcome.ts'
import { isSending, type SessionState } from './siprec-state.ts'

/** Who hears of what the server asks for. */
export interface SideListener {
  requested(request: Omit<ServerRequest, 'atMs'>): void
  /** The server wants to know everything (RFC 7866 §9.2). */
  snapshotWanted(): void
  /** The server has changed the lines. */
  changed(): void
  /** The server has broken the rules. */
  violated(reason: string): void
}

const SNAPSHOT_REQUEST = /<(?:\w+:)?requestsnapshot\b[^>]*urn:ietf:params:xml:ns:recording:1/

/** The client's side of a recording session (RFC 7866 §6.1, §7.1): what it describes follows from its state, and its judgement of the server is strict. */
export class RecordingSide implements SessionSide<RemoteLines> {
  readonly features?: string
  readonly #options: SessionOptions
  readonly #sessionId = `${Date.now()}`
  #listener: SideListener | undefined
  #told: SessionState
  #version = 1
  #codecs: readonly (CallerCodec | undefined)[] = []
  state: SessionState
  /** Ours, each at the position of its stream. */
  media: readonly LocalMedia[]
  /** What the server has said last about each line. */
  remote: readonly RemoteLine[] = []

  constructor(options: SessionOptions, state: SessionState, media: readonly LocalMedia[]) {
    this.#options = options
    this.#told = state
    this.state = state
    this.media = media
    if (!options.quirks?.withoutFeatureTag) this.features = '+sip.src'
  }

  /** What was agreed on for each stream; undefined for one that the server has always refused. */
  get codecs(): readonly (CallerCodec | undefined)[] {
    return this.#codecs
  }

  set listener(listener: SideListener) {
    this.#listener = listener
  }

  first(): SipBody {
    const { withoutMetadata, ...style } = this.#options.quirks ?? {}
    const metadata = withoutMetadata ? {} : { metadata: this.#metadata('complete') ?? '' }
    return formatBody({ sdp: this.#describe(this.#lines()), ...metadata }, style)
  }

  firstHeaders(): SipHeaders {
    const accept = [SDP_TYPE, ...SNAPSHOT_REQUEST_TYPES].join(', ')
    return [['Accept', accept], ...(this.#options.quirks?.withoutRequire ? [] : [['Require', 'siprec'] as const])]
  }

  establish(response: SipResponse): object | Disagreement {
    if (!isServerContact(headerOf(response, 'Contact'))) return { reason: 'The Contact of the 2xx has no +sip.srs.' }
    const judged = this.judge(response)
    if ('reason' in judged) return judged
    return judged.remote ? {} : { reason: 'The 2xx has no answer.' }
  }

  /** Our lines as they are now, without metadata: a refresh. */
  next(): SipBody {
    return this.offer('none')
  }

  /** Our lines as they are now, in their next version, with metadata. */
  offer(mode: MetadataMode): SipBody {
    this.#version += 1
    const metadata = this.#metadata(mode)
    return formatBody(
      { sdp: this.#describe(this.#lines()), ...(metadata !== undefined && { metadata }) },
      this.#options.quirks,
    )
  }

  /** Metadata without a session description. */
  tell(mode: 'partial' | 'complete'): SipBody {
    return formatBody({ metadata: this.#metadata(mode) ?? '' }, this.#options.quirks)
  }

  /** The server has agreed to what it was told last. */
  wasTold(): void {
    this.#told = this.state
  }

  judge(response: SipResponse): { readonly remote: RemoteLines | undefined } | Disagreement {
    if (response.body.length === 0) return { remote: undefined }
    const type = headerOf(response, 'Content-Type')
    if (type !== SDP_TYPE) return { reason: `The body of the 2xx is ${type}.` }
    const remote = judgeAnswer(this.#lines(), Buffer.from(response.body).toString(), this.#codecs)
    if ('reason' in remote) return remote
    this.#follow(remote)
    return { remote }
  }

  answer(request: SipRequest): SideAnswer | undefined {
    const answer = this.#answerTo(request)
    const contentType = headerOf(request, 'Content-Type')
    const { status = 200 } = answer ?? {}
    this.#listener?.requested({ method: request.method, ...(contentType !== undefined && { contentType }), status })
    return answer
  }

  #answerTo(request: SipRequest): SideAnswer | undefined {
    const { method, body } = request
    const type = headerOf(request, 'Content-Type')
    if (type !== undefined && SNAPSHOT_REQUEST_TYPES.includes(type)) return this.#answerSnapshotRequest(request)
    if (method === 'INVITE' && body.length === 0) return { body: this.next() }
    if ((method !== 'INVITE' && method !== 'UPDATE') || body.length === 0) return undefined
    if (type !== SDP_TYPE) return this.#refuse(415, `The body of its ${method} is ${type}.`)
    const offer = judgeOffer(this.#lines(), Buffer.from(body).toString(), this.#codecs)
    if ('reason' in offer) return this.#refuse(488, offer.reason)
    this.#version += 1
    const text = this.#describe(this.#lines().map((line, position) => answering(line, offer.lines[position])))
    this.#follow(offer)
    return { body: formatBody({ sdp: text }, this.#options.quirks), afterwards: () => this.#listener?.changed() }
  }

  #answerSnapshotRequest(request: SipRequest): SideAnswer {
    const disposition = headerOf(request, 'Content-Disposition')
    if (request.method !== 'UPDATE') return this.#refuse(400, `It asks for a snapshot by ${request.method}.`)
    if (disposition !== METADATA_DISPOSITION)
      return this.#refuse(400, `The disposition of its request for a snapshot is ${disposition}.`)
    if (!SNAPSHOT_REQUEST.test(Buffer.from(request.body).toString()))
      return this.#refuse(400, 'Its request for a snapshot has no requestsnapshot.')
    return { afterwards: () => this.#listener?.snapshotWanted() }
  }

  #refuse(status: number, reason: string): SideAnswer {
    return { status, reason: 'Not As Agreed', afterwards: () => this.#listener?.violated(reason) }
  }

  #follow({ lines, codecs }: RemoteLines): void {
    this.remote = lines
    // A line that is away for a while comes back with the codec it had.
    this.#codecs = codecs.map((codec, position) => codec ?? this.#codecs[position])
  }

  #metadata(mode: MetadataMode): string | undefined {
    if (mode === 'none' || this.#options.quirks?.withoutMetadata) return undefined
    const at = new Date().toISOString()
    return formatMetadata(
      mode === 'complete'
        ? completeDocument(this.state, this.#options)
        : partialDocument(this.#told, this.state, this.#options, at),
    )
  }

  #lines(): readonly LocalLine[] {
    const active: Direction = this.#options.quirks?.offersSendrecv ? 'sendrecv' : 'sendonly'
    return this.state.streams.map((stream, position) => ({
      media: this.media[position] as LocalMedia,
      direction: isSending(this.state, stream) ? active : 'inactive',
      isRemoved: stream.isRemoved,
    }))
  }

  #describe(lines: readonly LocalLine[]): string {
    return formatDescription(lines, { sessionId: this.#sessionId, version: this.#version })
  }
}

/** A line of ours in answer to what the server offers for it: no more than it takes, and under its tag. */
const answering = (line: LocalLine, offer: RemoteLine | undefined): LocalLine => {
  const isRemoved = line.isRemoved || offer?.rtpPort === 0
  const crypto = readCrypto(offer?.cryptos[0] ?? '')
  return {
    media: 'tag' in crypto ? { ...line.media, cryptoTag: crypto.tag } : line.media,
    direction: offer?.direction === 'inactive' ? 'inactive' : line.direction,
    isRemoved,
  }
}
