import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import type { StreamPlan } from './call-recorder.ts'
import { MediaLeg } from './media-leg.ts'
import type { PacketSource, StreamReceiver } from './stream-receiver.ts'

const AGREED = { address: '192.0.2.1', port: 4000 }
const CNAME = 'a'
/** A source description of that name alone (RFC 3550 §6.5). */
const DESCRIPTION = Buffer.from('81ca00020000000101016100', 'hex')

/** A leg whose datagrams a test brings, and what its receiver learns from reports. */
const openLeg = (isFixed: boolean) => {
  const [rtp, rtcp] = [new EventEmitter(), new EventEmitter()]
  const ports = { address: '127.0.0.1', rtpPort: 5000, rtcpPort: 5001 }
  const sockets = { ports, rtp: rtp as Socket, rtcp: rtcp as Socket, close: () => {} }
  const leg = new MediaLeg(sockets, () => {})
  const heard: string[] = []
  const plan: Partial<StreamPlan> = { isFixed, isRtcpMultiplexed: true }
  const receiver = { plan, rtcpPeer: AGREED, noteCname: (_ssrc: number, cname: string) => heard.push(cname) }
  leg.follow(receiver as unknown as StreamReceiver, undefined)
  return { rtp, rtcp, heard }
}

const [ANOTHER_PORT, ANOTHER_HOST] = [
  { ...AGREED, port: 4001 },
  { ...AGREED, address: '192.0.2.2' },
]

it.each<[string, boolean, PacketSource, readonly string[]]>([
  ['of who is announced', false, AGREED, [CNAME]],
  ['of who is announced', true, AGREED, [CNAME]],
  ['from another port', false, ANOTHER_PORT, [CNAME]],
  ['from another port', true, ANOTHER_PORT, []],
  ['from another address', false, ANOTHER_HOST, []],
  ['from another address', true, ANOTHER_HOST, []],
])('a report %s, when its source is fixed (%j)', (_what, isFixed, from, expected) => {
  const { rtp, rtcp, heard } = openLeg(isFixed)
  rtp.emit('message', DESCRIPTION, from)
  expect(heard).toEqual(expected)
  rtcp.emit('message', DESCRIPTION, from)
  expect(heard).toEqual([...expected, ...expected])
})
