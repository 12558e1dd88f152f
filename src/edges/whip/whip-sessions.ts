import type { CallRecorder, CallRequest, Reservation, StreamPlan } from '../../capture/call-recorder.ts'
import { PoulsenError } from '../../domain/errors.ts'
import type { Project } from '../../domain/project.ts'
import type { CallLeg } from '../../domain/recording.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Ids } from '../../ports/ids.ts'
import type { PacketOrigin, PeerAnswer, PeerEnd, WebRtcPeers } from '../../ports/webrtc-peers.ts'
import type { WhipTelemetry } from '../../ports/whip-telemetry.ts'
import { rewriteCandidate } from '../../protocol/sdp/ice-candidate.ts'
import type { IceFragment } from '../../protocol/sdp/ice-fragment.ts'
import { formatWebRtcAnswer } from '../../protocol/sdp/webrtc-answer.ts'
import type { WebRtcLine, WebRtcOffer } from '../../protocol/sdp/webrtc-offer.ts'
import { endReasonOf, WhipSession } from './whip-session.ts'

/** What sessions need. */
export interface WhipSessionsOptions {
  readonly recorder: CallRecorder
  readonly peers: WebRtcPeers
  readonly clock: Clock
  readonly ids: Ids
  readonly telemetry: WhipTelemetry
  /** What peers are told instead of the address that we are bound to, behind a NAT. */
  readonly publicAddress: string | undefined
  /** Sessions that one project may have at once. */
  readonly projectMax: number
  /** Samples a second of the WAV that `url` gives. */
  readonly wavRateHz: number
}

/** Who publishes what. */
export interface Publication {
  readonly project: Project
  readonly endpoint: string
  readonly author: string
  readonly offer: WebRtcOffer
  readonly legId: Uuid | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** Of the publishing program, as it names itself. */
  readonly from: string
  /** Uses up what allows it, right before the recording begins; throws when that has been used already. */
  readonly claim: () => Promise<void>
}

const ID_BYTES = 24
const ETAG_BYTES = 8
/**
 * So long after the answer we begin to check the candidates of the offer. At once would be too early: clients of libdatachannel (OBS) break when they are found before
 * they have read the answer.
 */
const CHECKS_AFTER_MS = 1_000
const CLOCK_RATE_HZ = 48_000

/** The WHIP sessions of this server: how they are set up, what ends them, and that no more of them run than may. */
export class WhipSessions {
  readonly #options: WhipSessionsOptions
  readonly #sessions = new Map<string, WhipSession>()
  /** Those that are not sessions yet, and how their peers have ended meanwhile. */
  readonly #settingUp = new Map<string, PeerEnd | undefined>()
  /** Set up or running, by project. */
  readonly #counts = new Map<Uuid, number>()
  #count = 0
  #isDraining = false
  /** The deadline of a drain is over. */
  #isCut = false
  #emptied: (() => void) | undefined

  constructor(options: WhipSessionsOptions) {
    this.#options = options
    options.peers.onEnded((id, end) => {
      if (this.#settingUp.has(id)) this.#settingUp.set(id, end)
      else void this.#sessions.get(id)?.end(endReasonOf(end))
    })
  }

  /** The session at a URL, for who made it; nobody else finds it. */
  find(id: string, author: string): WhipSession | undefined {
    const session = this.#sessions.get(id)
    return session?.parts.author === author ? session : undefined
  }

  /**
   * Answers an offer: the row of the recording is committed when it resolves. Rejects with WHIP_BUSY, CAPTURE_…, WEBRTC_…, CATALOGUE_… codes and what
   * {@link Publication.claim} throws; nothing is left behind then.
   */
  async publish(publication: Publication): Promise<{ readonly session: WhipSession; readonly answer: string }> {
    let leave: (() => void) | undefined
    try {
      leave = this.#enter(publication.project.id)
      return await this.#setUp(publication, leave)
    } catch (error) {
      leave?.()
      this.#options.telemetry.whipRefused(error instanceof PoulsenError ? error.code : 'INTERNAL')
      throw error
    }
  }

  /** More candidates of a session's peer. */
  async addCandidates(session: WhipSession, { candidates }: Pick<IceFragment, 'candidates'>): Promise<void> {
    await this.#options.peers.addCandidates(session.parts.id, candidates)
  }

  /** Ends a session as a hang-up does; resolves when its recording is final. */
  async end(session: WhipSession): Promise<void> {
    this.#options.peers.drop(session.parts.id)
    await session.end('hangup')
  }

  /** From now on offers are refused; resolves when the last session has ended, or after the deadline has ended the rest. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    if (this.#count === 0) return
    const timer = setTimeout(() => {
      this.#isCut = true
      for (const session of this.#sessions.values()) void session.end('shutdown')
    }, deadlineMs)
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    clearTimeout(timer)
  }

  /** Takes room for one more; gives what gives it back, once. */
  #enter(projectId: Uuid): () => void {
    const count = this.#counts.get(projectId) ?? 0
    if (this.#isDraining) throw busy('The server is stopping.', 'Publish again later, or to another server.')
    if (count >= this.#options.projectMax)
      throw busy(`${count} sessions of this project are running.`, 'Raise POULSEN_WEBRTC_PROJECT_MAX.')
    this.#counts.set(projectId, count + 1)
    this.#changed(1)
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      const left = (this.#counts.get(projectId) ?? 1) - 1
      if (left === 0) this.#counts.delete(projectId)
      else this.#counts.set(projectId, left)
      this.#changed(-1)
    }
  }

  #changed(by: 1 | -1): void {
    this.#count += by
    this.#options.telemetry.whipSessionsChanged(this.#count)
    if (this.#count === 0) this.#emptied?.()
  }

  async #setUp(publication: Publication, leave: () => void) {
    const { recorder, peers, ids, clock } = this.#options
    const { offer } = publication
    const startedAtMs = clock.nowMs()
    const id = ids.randomHex(ID_BYTES)
    const reservation = await recorder.reserve({ family: 4, streamCount: offer.lines.length, isOnMachine: true })
    this.#settingUp.set(id, undefined)
    try {
      const peerAnswer = await this.#connect(id, publication, reservation)
      const leg: CallLeg = { type: 'webrtc', id: publication.legId ?? ids.uuid() }
      const recorded = await reservation.begin(this.#describe(publication, leg, startedAtMs))
      const session = new WhipSession({
        id,
        projectId: publication.project.id,
        legId: leg.id,
        endpoint: publication.endpoint,
        author: publication.author,
        etag: `"${ids.randomHex(ETAG_BYTES)}"`,
        iceUfrag: offer.ice.ufrag,
        recorded,
        setUpMs: clock.nowMs() - startedAtMs,
        answeredAtMs: clock.nowMs(),
      })
      this.#watch(session, leave)
      this.#tryCandidatesLater(session, offer)
      return { session, answer: this.#format(peerAnswer, offer, startedAtMs) }
    } catch (error) {
      peers.drop(id)
      throw error
    } finally {
      this.#settingUp.delete(id)
    }
  }

  /** Everything that may fail before the recording begins; the ports are given back then. */
  async #connect(id: string, { offer, claim }: Publication, reservation: Reservation): Promise<PeerAnswer> {
    try {
      const lines = peerLines(offer.lines, reservation)
      const { ice, fingerprint, setup } = offer
      const answer = await this.#options.peers.connect(id, { ice, fingerprint, setup, candidates: [], lines })
      await claim()
      return answer
    } catch (error) {
      reservation.release()
      throw error
    }
  }

  /** Until then the peer has tried ours, which is enough but where no packet of its own comes through. */
  #tryCandidatesLater(session: WhipSession, { candidates }: WebRtcOffer): void {
    if (candidates.length === 0) return
    setTimeout(() => void this.addCandidates(session, { candidates }), CHECKS_AFTER_MS).unref()
  }

  #watch(session: WhipSession, leave: () => void): void {
    const { peers, clock, telemetry } = this.#options
    const { id, recorded } = session.parts
    this.#sessions.set(id, session)
    const early = this.#settingUp.get(id)
    if (early) void session.end(endReasonOf(early))
    else if (this.#isCut) void session.end('shutdown')
    void recorded.ended.then(async (reason) => {
      peers.drop(id)
      await session.end(reason)
      this.#sessions.delete(id)
      leave()
      telemetry.whipSessionEnded(await session.report(clock.nowMs()))
    })
  }

  #describe({ project, endpoint, offer, from, metadata }: Publication, leg: CallLeg, startedAtMs: number): CallRequest {
    const { wavRateHz, peers } = this.#options
    const { lines } = offer
    return {
      project,
      leg,
      track: 'inbound',
      callId: leg.id,
      from,
      to: endpoint,
      startedAtMs,
      wavRateHz,
      streams: lines.map((line, channel) => planOf(line, channel, peers.origin)),
      ...(lines.length > 1 && { layout: 'stereo', mixRateHz: wavRateHz }),
      ...(metadata && { publisherMetadata: metadata }),
    }
  }

  #format(answer: PeerAnswer, { lines, isBundled }: WebRtcOffer, nowMs: number): string {
    const { publicAddress } = this.#options
    const told = publicAddress === undefined ? answer.candidates : announce(answer.candidates, publicAddress)
    return formatWebRtcAnswer({ ...answer, candidates: told, lines, isBundled, sessionId: String(nowMs) })
  }
}

/** One candidate is enough: behind a NAT all of ours are at the public address. */
const announce = ([first]: readonly string[], publicAddress: string): readonly string[] =>
  first === undefined ? [] : [rewriteCandidate(first, publicAddress)]

const peerLines = (lines: readonly WebRtcLine[], { ports }: Reservation) =>
  lines.map(({ mid, opus, ssrcs }, index) => ({
    mid,
    ssrcs,
    payloadType: opus.payloadType,
    rtpPort: ports[index]?.rtpPort ?? 0,
  }))

const planOf = ({ opus, isStereo }: WebRtcLine, channel: number, { address, port }: PacketOrigin): StreamPlan => ({
  format: {
    codec: 'opus',
    payloadType: opus.payloadType,
    clockRateHz: CLOCK_RATE_HZ,
    channels: isStereo ? 2 : 1,
  },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address, rtpPort: port, rtcpPort: port },
  isRtcpMultiplexed: true,
  isHeld: false,
  isFixed: true,
  channel,
})

const busy = (message: string, hint: string): PoulsenError =>
  new PoulsenError({ code: 'WHIP_BUSY', kind: 'unavailable', message, hint })
