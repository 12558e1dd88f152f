import type { InviteFailure } from '../../caller/sip-caller.ts'

const HINTS: Readonly<Record<number, string>> = {
  401: 'a trunk covers this address, and wants a password',
  403: 'no trunk covers this address; see `poulsen trunk list`',
  488: 'the trunk allows no codec of the call, or wants SRTP',
  503: 'the server takes no calls now: it is stopping, full, or its disk is',
}

/** Why a call or a session was not answered, in a few words for a human. */
export const explainFailure = (invite: InviteFailure): string => {
  if (invite.kind === 'timeout') return 'nobody answered'
  if (invite.kind === 'cancelled') return `cancelled with ${invite.status}`
  if (invite.kind !== 'refused') return invite.reason
  const hint = HINTS[invite.status]
  return `${invite.status} ${invite.reason}${hint === undefined ? '' : `: ${hint}`}`
}
