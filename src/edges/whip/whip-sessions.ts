import type { CallRecorder, Reservation } from '../../capture/call-recorder.ts'
import { PoulsenError } from '../../domain/errors.ts'
import type { CallLeg } from '../../domain/recording.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Ids } from '../../ports/ids.ts'
import type { PeerAnswer, PeerEnd, WebRtcPeers } from '../../ports/webrtc-peers.ts'
import type { WhipTelemetry } from '../../ports/whip-telemetry.ts'
import { rewriteCandidate } from '../../protocol/sdp/ice-candidate.ts'
import type { IceFragment } from '../../protocol/sdp/ice-fragment.ts'
import { formatWebRtcAnswer } from '../../protocol/sdp/webrtc-answer.ts'
import type { WebRtcOffer } from '../../protocol/sdp/webrtc-offer.ts'
import { describeCall, type Publication, peerLines, type Unclaim } from './publication.ts'
import { Seats } from './seats.ts'
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

/** What becomes of a session that is none yet. */
interface SetUp {
  /** How its peer has ended meanwhile; undefined while it lives. */
  peerEnd: PeerEnd | undefined
}

/** A session of which all is there but its recording. */
interface Beginning {
  readonly id: string
  readonly publication: Publication
  readonly reservation: Reservation
  readonly startedAtMs: number
  readonly unclaim: Unclaim
}

const ID_BYTES = 24
const ETAG_BYTES = 8
/**
 * So long after the answer we begin to check the candidates of the offer. At once would be too early: clients of libdatachannel (OBS) break when they are found before
 * they have read the answer.
 */
const CHECKS_AFTER_MS = 1_000
/** How long a stop waits for recordings to become final; who closes capture afterwards waits for the rest. */
const SETTLE_MAX_MS = 30_000

/** The WHIP sessions of this server: how they are set up, what ends them, and that no more of them run than may. */
export class WhipSessions {
  readonly #options: WhipSessionsOptions
  readonly #sessions = new Map<string, WhipSession>()
  /** Those that are not sessions yet. */
  readonly #settingUp = new Map<string, SetUp>()
  readonly #seats: Seats
  /** The deadline of a drain is over. */
  #isCut = false

  constructor(options: WhipSessionsOptions) {
    this.#options = options
    const { projectMax, telemetry, peers } = options
    this.#seats = new Seats({ projectMax, onChanged: (count) => telemetry.whipSessionsChanged(count) })
    peers.onEnded((id, end) => {
      const setUp = this.#settingUp.get(id)
      if (setUp) setUp.peerEnd = end
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
      leave = this.#seats.take(publication.project.id)
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

  /**
   * From now on offers are refused; resolves when the last session has ended, or after the deadline has ended the rest, or has tried to for half a minute. May
   * be called more than once.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#seats.close()
    const emptied = this.#seats.whenEmpty()
    if (await isDoneWithin(deadlineMs, emptied)) return
    this.#isCut = true
    for (const session of this.#sessions.values()) void session.end('shutdown')
    await isDoneWithin(SETTLE_MAX_MS, emptied)
  }

  async #setUp(publication: Publication, leave: () => void) {
    const { recorder, peers, ids, clock } = this.#options
    const { offer } = publication
    const startedAtMs = clock.nowMs()
    const id = ids.randomHex(ID_BYTES)
    const reservation = await recorder.reserve({ family: 4, streamCount: offer.lines.length, isOnMachine: true })
    const setUp: SetUp = { peerEnd: undefined }
    this.#settingUp.set(id, setUp)
    try {
      const { answer, unclaim } = await this.#connect(id, publication, reservation)
      const session = await this.#begin({ id, publication, reservation, startedAtMs, unclaim })
      this.#watch(session, setUp, leave)
      this.#tryCandidatesLater(session, offer)
      return { session, answer: this.#format(answer, offer, startedAtMs) }
    } catch (error) {
      peers.drop(id)
      throw error
    } finally {
      this.#settingUp.delete(id)
    }
  }

  /** Everything that may fail before the recording begins; the ports are given back then. */
  async #connect(id: string, { offer, claim }: Publication, reservation: Reservation) {
    try {
      const lines = peerLines(offer.lines, reservation)
      const { ice, fingerprint } = offer
      // Passive where we may choose: the client is then the last to have its keys, and none of its first packets comes before ours are there.
      const setup = offer.setup === 'actpass' ? 'active' : offer.setup
      const answer = await this.#options.peers.connect(id, { ice, fingerprint, setup, candidates: [], lines })
      return { answer, unclaim: await claim() }
    } catch (error) {
      reservation.release()
      throw error
    }
  }

  /** What has been used up for a recording that cannot begin is good again; where that fails as well, the client needs another. */
  async #begin({ id, publication, reservation, startedAtMs, unclaim }: Beginning): Promise<WhipSession> {
    const { ids, clock, wavRateHz, peers } = this.#options
    const { project, endpoint, author, offer } = publication
    const leg: CallLeg = { type: 'webrtc', id: publication.legId ?? ids.uuid() }
    const call = describeCall(publication, { leg, startedAtMs, wavRateHz, origin: peers.origin })
    try {
      const recorded = await reservation.begin(call)
      return new WhipSession({
        id,
        projectId: project.id,
        legId: leg.id,
        endpoint,
        author,
        etag: `"${ids.randomHex(ETAG_BYTES)}"`,
        iceUfrag: offer.ice.ufrag,
        recorded,
        setUpMs: clock.nowMs() - startedAtMs,
        answeredAtMs: clock.nowMs(),
      })
    } catch (error) {
      await unclaim().catch(() => {})
      throw error
    }
  }

  /** Until then the peer has tried ours, which is enough but where no packet of its own comes through. */
  #tryCandidatesLater(session: WhipSession, { candidates }: WebRtcOffer): void {
    if (candidates.length === 0) return
    setTimeout(() => void this.addCandidates(session, { candidates }), CHECKS_AFTER_MS).unref()
  }

  #watch(session: WhipSession, { peerEnd }: SetUp, leave: () => void): void {
    const { peers, clock, telemetry } = this.#options
    const { id, recorded } = session.parts
    this.#sessions.set(id, session)
    if (peerEnd) void session.end(endReasonOf(peerEnd))
    else if (this.#isCut) void session.end('shutdown')
    void recorded.ended.then(async (reason) => {
      peers.drop(id)
      await session.end(reason)
      this.#sessions.delete(id)
      leave()
      telemetry.whipSessionEnded(await session.report(clock.nowMs()))
    })
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

/** True when the work is done in time. */
const isDoneWithin = async (deadlineMs: number, work: Promise<void>): Promise<boolean> => {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(() => late.resolve(false), deadlineMs)
  const isDone = await Promise.race([work.then(() => true), late.promise])
  clearTimeout(timer)
  return isDone
}
