import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normaliseFingerprint } from './certificate-fingerprint.ts'

const DIGITS = '0123456789abcdef'.repeat(4)
const COLONS = DIGITS.match(/../g)?.join(':') ?? ''

describe('normaliseFingerprint', () => {
  it.each([
    DIGITS,
    DIGITS.toUpperCase(),
    COLONS,
    COLONS.toUpperCase(),
    ` ${COLONS}\n`,
    `sha256:${DIGITS}`,
    `SHA256=${COLONS}`,
    `SHA256:${COLONS.toUpperCase()}`,
    `SHA-256 ${COLONS.toUpperCase()}`,
    `sha256 Fingerprint=${COLONS.toUpperCase()}`,
    `SHA256 Fingerprint=${COLONS.toUpperCase()}`,
  ])('reads %j', (text) => expect(normaliseFingerprint(text)).toBe(DIGITS))

  it.each([
    '',
    'sha256:',
    DIGITS.slice(1),
    `${DIGITS}0`,
    `${DIGITS.slice(1)}g`,
    COLONS.slice(3),
    `${COLONS}:00`,
    COLONS.replace(':', ''),
    COLONS.replaceAll(':', '-'),
    `sha1:${DIGITS}`,
    `sha512:${DIGITS}${DIGITS}`,
    `sha256:sha256:${DIGITS}`,
    `${' '.repeat(200)}${DIGITS}`,
    '-----BEGIN CERTIFICATE-----',
  ])('does not read %j', (text) => expect(normaliseFingerprint(text)).toBeUndefined())

  it('gives back what it has given, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: fc.constantFrom(...'0123456789abcdefABCDEF: =sha-') }), (text) => {
        const canonical = normaliseFingerprint(text)
        if (canonical === undefined) return
        expect(canonical).toMatch(/^[0-9a-f]{64}$/)
        expect(normaliseFingerprint(canonical)).toBe(canonical)
      }),
    )
    const digest = createHash('sha256').update(randomBytes(10)).digest('hex')
    expect(normaliseFingerprint(digest)).toBe(digest)
  })
})
