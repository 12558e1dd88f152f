import type { AudioSession } from './audio-session.ts'
import type { LocalMedia, RemoteSession } from './session-text.ts'
import { type DialogLink, type DialogParts, type ModifyOutcome, SipDialog } from './sip-dialog.ts'

/** A plain call that was answered: one dialog about one stream of audio. */
export class SipCall extends SipDialog<RemoteSession> {
  readonly #session: AudioSession

  constructor(link: DialogLink, parts: DialogParts, session: AudioSession) {
    super(link, parts, session)
    this.#session = session
  }

  /** Puts the other side on hold, so that no media is expected (RFC 3264 §8.4). */
  hold(direction: 'sendonly' | 'inactive' = 'inactive'): Promise<ModifyOutcome<RemoteSession>> {
    this.#session.direction = direction
    return this.reinvite()
  }

  /** Takes it off hold. */
  resume(): Promise<ModifyOutcome<RemoteSession>> {
    this.#session.direction = 'sendrecv'
    return this.reinvite()
  }

  /** Media is sent from somewhere else, or in another form, from now on. */
  move(media: LocalMedia): Promise<ModifyOutcome<RemoteSession>> {
    this.#session.media = media
    return this.reinvite()
  }
}
