import { parseParameters } from './parameters.ts'

/** A Session-Expires or Min-SE (RFC 4028 §4, §5). */
export interface SessionExpires {
  readonly deltaSeconds: number
  readonly refresher: 'uac' | 'uas' | undefined
}

const SECONDS_MAX = 2 ** 31

/** Its parts, or undefined when it is none. */
export const parseSessionExpires = (text: string): SessionExpires | undefined => {
  const { value, parameters } = parseParameters(text)
  if (!/^\d{1,10}$/.test(value) || Number(value) >= SECONDS_MAX) return undefined
  const refresher = parameters.get('refresher')?.toLowerCase()
  return { deltaSeconds: Number(value), refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined }
}
