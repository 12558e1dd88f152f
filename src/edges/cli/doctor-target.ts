import { readConfig } from '../../ops/config.ts'
import type { SipListenAddress } from '../../ops/sip-listen.ts'
import type { CommonFlags } from './context.ts'

const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Whom to call: the SIP URI that was given, or for `true` the first address of SIP_LISTEN as one of this machine; undefined when no calls are taken. */
export const targetOf = (flags: CommonFlags, target: string | true): string | undefined =>
  target === true ? listenedOn(readConfig({ dataDir: flags.dataDir }).sipListen) : target

const listenedOn = ([first]: readonly SipListenAddress[]): string | undefined => {
  if (!first) return undefined
  const host = ANY_ADDRESS[first.host] ?? first.host
  return `sip:${host.includes(':') ? `[${host}]` : host}:${first.port};transport=${first.transport}`
}
