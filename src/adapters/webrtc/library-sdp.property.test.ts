import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acceptedOffer } from '../../../test/builders/webrtc-offer.ts'
import type { PeerOffer } from '../../ports/webrtc-peers.ts'
import { isCandidate } from '../../protocol/sdp/ice-candidate.ts'
import { formatLibraryOffer, readLibraryAnswer } from './library-sdp.ts'

const charsOf = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength })
const ICE_CHARS = 'abcXYZ019+/'
const line = fc.record({
  mid: charsOf("aZ09!#$%&'*+-.^_`{|}~", 1, 32),
  payloadType: fc.nat(127).filter((type) => type < 64 || type > 95),
  ssrcs: fc.uniqueArray(fc.nat(0xffffffff), { maxLength: 8 }),
  rtpPort: fc.constant(9),
})
const candidate = fc
  .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), fc.constantFrom('host', 'srflx', 'relay'))
  .map(([address, port, type]) => `candidate:a+/ 1 udp 2113937151 ${address} ${port} typ ${type} generation 0`)
const offer: fc.Arbitrary<PeerOffer> = fc.record({
  ice: fc.record({ ufrag: charsOf(ICE_CHARS, 4, 256), pwd: charsOf(ICE_CHARS, 22, 256) }),
  fingerprint: fc.constantFrom(256, 384, 512).map((bits) => ({
    algorithm: `sha-${bits}`,
    value: Array(bits / 8)
      .fill('A9')
      .join(':'),
  })),
  setup: fc.constantFrom('actpass', 'active', 'passive'),
  candidates: fc.array(candidate.filter(isCandidate), { maxLength: 4 }),
  lines: fc.uniqueArray(line, { selector: ({ mid }) => mid, minLength: 1, maxLength: 8 }),
})

it('formats offers that are read as they were', () => {
  fc.assert(
    fc.property(offer, (said) => {
      const { lines, isBundled, ...transport } = acceptedOffer(formatLibraryOffer(said))
      const read = lines.map(({ mid, opus, ssrcs }) => ({ mid, payloadType: opus.payloadType, ssrcs, rtpPort: 9 }))
      expect({ ...transport, lines: read }).toEqual(said)
      expect(isBundled).toBe(true)
    }),
  )
})

it('reads an answer or none, whatever the text', () => {
  const words = fc.constantFrom('a=ice-ufrag:u', 'a=ice-pwd:p', 'a=fingerprint:sha-256 AA', 'a=setup:active', '\n')
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ unit: 'binary' }))), (pieces) => {
      const answer = readLibraryAnswer(pieces.join('\r\n'))
      if (answer) expect(answer.ice.ufrag && answer.ice.pwd && answer.fingerprint.value).not.toBe('')
    }),
  )
})
