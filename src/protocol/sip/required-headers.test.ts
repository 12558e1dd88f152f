import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SipTextParts, sipText } from '../../../test/builders/sip-text.ts'
import { parseSipMessage } from './parse-message.ts'
import { checkRequest } from './required-headers.ts'

const check = (parts: SipTextParts) => {
  const parsed = parseSipMessage(sipText(parts))
  if (parsed.kind !== 'request') throw new Error('That is no request.')
  return checkRequest(parsed)
}

describe('checkRequest (RFC 3261 §8.1.1, §8.2, §16.3)', () => {
  it.each([
    ['a whole request', {}],
    ['none of the fields that old clients leave out', { fields: { 'Max-Forwards': undefined } }],
    ['a secure URI', { start: 'INVITE sips:rec@tone.example.net SIP/2.0' }],
    ['a telephone number', { start: 'INVITE tel:+45-12-34;phone-context=example.net SIP/2.0' }],
    ['an address of IPv6', { start: 'INVITE sip:[2001:db8::1]:5070 SIP/2.0' }],
    ['several Vias in one field', { fields: { Via: 'SIP/2.0/UDP a;branch=1, SIP/2.0/TLS [::1]:5061;branch=2' } }],
  ] satisfies readonly (readonly [string, SipTextParts])[])('takes %s', (_what, parts) => {
    expect(check(parts)).toBeUndefined()
  })

  it.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])('wants a %s, and one with something in it', (name) => {
    const fault = { status: 400, reason: `no ${name}` }
    expect(check({ fields: { [name]: undefined } })).toEqual(fault)
    expect(check({ fields: { [name]: '' } })).toEqual(fault)
  })

  it.each([
    ['a Via cannot be read', { fields: { Via: ['SIP/2.0/UDP a;branch=1', 'HTTP/1.1 b'] } }],
    ['a Via cannot be read', { fields: { Via: ',' } }],
    ['the From cannot be read', { fields: { From: 'nobody' } }],
    ['the To cannot be read', { fields: { To: '<sip:rec@tone.example.net' } }],
    ['the Call-ID cannot be read', { fields: { 'Call-ID': 'a b' } }],
    ['the Call-ID cannot be read', { fields: { 'Call-ID': 'a'.repeat(513) } }],
    ['the CSeq cannot be read', { fields: { CSeq: 'INVITE' } }],
    ['the CSeq cannot be read', { fields: { CSeq: '2147483648 INVITE' } }],
    ['the CSeq names another method', { fields: { CSeq: '1 invite' } }],
    ['the Max-Forwards cannot be read', { fields: { 'Max-Forwards': '-1' } }],
    ['the Request-URI cannot be read', { start: 'INVITE sip:rec@ SIP/2.0' }],
    ['the Request-URI cannot be read', { start: 'INVITE sip:rec@h:99999 SIP/2.0' }],
    ['the Request-URI is none', { start: 'INVITE rec SIP/2.0' }],
  ] satisfies readonly (readonly [string, SipTextParts])[])('refuses: %s %#', (reason, parts) => {
    expect(check(parts)).toEqual({ status: 400, reason })
  })

  it('answers 416 to other schemes', () => {
    expect(check({ start: 'INVITE h323:rec@tone.example.net SIP/2.0' })).toEqual({
      status: 416,
      reason: 'another URI scheme',
    })
  })

  it('never throws on what could be read, whatever was changed', () => {
    const valid = sipText({ fields: { Contact: '"a, b" <sip:a@h;x=1>;q=1' } })
    const change = fc.tuple(
      fc.nat(valid.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('<>";,:\\ \r\n'))),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const mutated = Uint8Array.from(valid)
        for (const [at, byte] of changes) mutated[at] = byte
        const parsed = parseSipMessage(mutated)
        if (parsed.kind !== 'request') return
        const status = checkRequest(parsed)?.status
        expect([undefined, 400, 416]).toContain(status)
      }),
    )
  })
})
