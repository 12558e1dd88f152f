import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rsUuid } from './rs-uuid.ts'

const UUID = '7b9f2fe3-ffbf-4d0c-8c3e-fb20c0a8012e'
const bytesOf = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex')

/** Any text, also one that is no Unicode. */
const anyText = (maxLength: number) =>
  fc.array(fc.nat({ max: 0xffff }), { maxLength }).map((codes) => String.fromCharCode(...codes))

describe('rsUuid', () => {
  it.each([
    ['text', UUID],
    ['upper case', UUID.toUpperCase()],
    ['a URN', `urn:uuid:${UUID}`],
    ['a URN in upper case', `URN:UUID:${UUID.toUpperCase()}`],
    ['base64 (RFC 7865 §6.10)', bytesOf(UUID).toString('base64')],
    ['base64 without padding', bytesOf(UUID).toString('base64').replace('==', '')],
    ['base64 of the other alphabet', bytesOf(UUID).toString('base64url')],
    ['blanks around it', ` ${UUID}\r\n`],
  ])('reads %s', (_what, text) => expect(rsUuid(text)).toBe(UUID))

  it.each([
    ['nothing', ''],
    ['a number', '1'],
    ['a short text', 'qHxX0Qw'],
    ['32 digits', UUID.replaceAll('-', '')],
    ['24 characters that are 18 bytes', 'abcdefghijklmnopqrstuvwx'],
    ['22 characters with bits to spare', 'abcdefghijklmnopqrstuv'],
    ['half the padding', `${bytesOf(UUID).toString('base64').slice(0, -1)}`],
    ['a URN of something else', `urn:oid:${UUID}`],
    ['more than it', `${UUID}0`],
    ['very much', 'A'.repeat(100_000)],
  ])('is undefined for %s', (_what, text) => expect(rsUuid(text)).toBeUndefined())

  it('reads every UUID in all its forms', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        const bytes = bytesOf(uuid)
        const forms = [uuid, `urn:uuid:${uuid}`, bytes.toString('base64'), bytes.toString('base64url')]
        for (const form of forms) expect(rsUuid(form)).toBe(uuid)
      }),
    )
  })

  it('throws on nothing', () => {
    fc.assert(
      fc.property(anyText(80), (text) => {
        expect(rsUuid(text) ?? UUID).toHaveLength(36)
      }),
    )
  })
})
