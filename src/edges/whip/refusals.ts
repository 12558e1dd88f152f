import { PoulsenError } from '../../domain/errors.ts'
import type { OfferRefusal } from '../../protocol/sdp/webrtc-offer.ts'

/** What POST takes, and PATCH. */
export const OFFER_TYPE = 'application/sdp'
export const FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag'

/** No session of this URL is known to this caller. */
export const noSession = (): PoulsenError =>
  new PoulsenError({ code: 'WHIP_SESSION_NOT_FOUND', kind: 'not-found', message: 'There is no such session.' })

/** There is nothing under this name. */
export const noEndpoint = (): PoulsenError =>
  new PoulsenError({ code: 'WHIP_ENDPOINT_NOT_FOUND', kind: 'not-found', message: 'There is no such endpoint.' })

/** The body is of another type than the one that is taken. */
export const wrongType = (wanted: string): PoulsenError =>
  new PoulsenError({ code: 'WHIP_TYPE_UNSUPPORTED', kind: 'unsupported', message: `The body must be ${wanted}.` })

/** The offer says something that we do not take, or is none. */
export const offerRefused = ({ kind, reason }: OfferRefusal): PoulsenError =>
  kind === 'damaged'
    ? new PoulsenError({
        code: 'WHIP_OFFER_DAMAGED',
        kind: 'invalid',
        message: `The offer cannot be read: ${reason}.`,
        hint: 'Send the SDP offer of a WebRTC peer connection, as it is.',
      })
    : new PoulsenError({
        code: 'WHIP_OFFER_UNSUPPORTED',
        kind: 'invalid',
        message: `The offer cannot be taken: ${reason}.`,
        hint: 'Offer audio in Opus only, all lines sendonly, in one bundle.',
      })

/** A fragment that is none, or one that asks for what we do not do. */
export const fragmentDamaged = (): PoulsenError =>
  new PoulsenError({
    code: 'WHIP_FRAGMENT_DAMAGED',
    kind: 'invalid',
    message: 'The fragment has no ice-ufrag, or is too long.',
    hint: 'Send what RFC 8840 calls a trickle ICE fragment.',
  })

/** The session goes on as it is (RFC 9725 §4.3.3). */
export const noRestart = (): PoulsenError =>
  new PoulsenError({
    code: 'WHIP_RESTART_UNSUPPORTED',
    kind: 'invalid',
    message: 'ICE cannot be restarted; the session goes on as it is.',
    hint: 'When its path is gone for good, publish again.',
  })

/** Offers come faster than they may. */
export const tooManyOffers = (): PoulsenError =>
  new PoulsenError({
    code: 'WHIP_THROTTLED',
    kind: 'throttled',
    message: 'Offers of this project come too fast.',
    hint: 'Wait a moment, or raise POULSEN_WEBRTC_POSTS_PER_SECOND.',
  })
