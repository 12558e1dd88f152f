import fc from 'fast-check'
import { describe, it } from 'vitest'
import { goldenOffers } from '../../../test/builders/siprec-offers.ts'
import { showExplanation } from '../cli/siprec-text.ts'
import { explainInvite } from './explain-invite.ts'

const TERMS = { layout: 'stereo', codecs: [], requiresSecureMedia: false } as const
const CONTROL = /[^\P{Cc}\n]/u

/** Explains and shows; throws when a control character would reach the terminal. */
const show = (bytes: Uint8Array): void => {
  const explained = explainInvite(bytes, TERMS)
  const shown = 'reason' in explained ? explained.reason : showExplanation(explained)
  if (CONTROL.test(shown)) throw new Error(JSON.stringify(shown))
}

const anOffer = fc.constantFrom(...goldenOffers.map(({ bytes }) => bytes))

describe('whatever is pasted', () => {
  it('is explained, or refused in words: any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), show))
  })

  it('offers with bytes changed', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(anOffer, change, (offer, changes) => {
        const bytes = Uint8Array.from(offer)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        show(bytes)
      }),
    )
  })

  it('offers with lines gone, doubled or cut', () => {
    fc.assert(
      fc.property(anOffer, fc.nat(), fc.nat(), fc.constantFrom('gone', 'doubled', 'cut'), (offer, at, length, what) => {
        const lines = offer.toString('latin1').split('\n')
        const place = at % lines.length
        if (what === 'gone') lines.splice(place, 1 + (length % 5))
        else if (what === 'doubled') lines.splice(place, 0, lines[place] ?? '')
        else lines.length = place
        show(Buffer.from(lines.join('\n'), 'latin1'))
      }),
    )
  })
})
