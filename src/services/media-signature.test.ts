import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MediaSigner } from './media-signature.ts'

it('gives what HMAC-SHA-256 gives, in base64url, cut to 22 characters', () => {
  const signer = new MediaSigner()
  const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 64 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), ascii, (keyBytes, message) => {
      const key = randomBytes(keyBytes)
      const expected = createHmac('sha256', key).update(message).digest('base64url').slice(0, 22)
      expect(signer.sign(key.toString('hex'), message)).toBe(expected)
    }),
  )
})
