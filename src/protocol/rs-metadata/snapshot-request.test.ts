import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readXml, type XmlElement } from './read-xml.ts'
import { formatSnapshotRequest, snapshotRequestType } from './snapshot-request.ts'

const read = (text: string): XmlElement => {
  const root = readXml(text, (name, namespace) => name === 'requestsnapshot' && /:recording:1$/.test(namespace))
  if ('reason' in root) throw new Error(root.reason)
  return root
}

/** Any text, also one that is no Unicode. */
const anyText = (maxLength: number) =>
  fc.array(fc.nat({ max: 0xffff }), { maxLength }).map((codes) => String.fromCharCode(...codes))

describe('formatSnapshotRequest', () => {
  it('is a request with its reason', () => {
    const text = formatSnapshotRequest('an <update> & no "snapshot"')
    expect(text).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\r\n/)
    expect(read(text).children).toMatchObject([{ name: 'requestreason', text: 'an <update> & no "snapshot"' }])
  })

  it('is well-formed whatever the reason is', () => {
    fc.assert(
      fc.property(anyText(400), (reason) => {
        expect(read(formatSnapshotRequest(reason)).children).toHaveLength(1)
      }),
    )
  })
})

describe('snapshotRequestType', () => {
  it.each([
    ['nothing is said', [], 'application/rs-metadata+xml'],
    [
      'today',
      ['application/sdp, application/rs-metadata+xml', 'application/rs-metadata'],
      'application/rs-metadata+xml',
    ],
    ['RFC 7866', ['application/sdp, Application/RS-Metadata;q=0.5'], 'application/rs-metadata'],
    ['drafts of it', ['application/sdp,application/rs-metadata-request'], 'application/rs-metadata-request'],
    ['others', ['application/sdp', '*/*', ''], 'application/rs-metadata+xml'],
  ])('goes by what the sender accepts: %s', (_what, accepted, type) => {
    expect(snapshotRequestType(accepted)).toBe(type)
  })
})
