import { describe, expect, it } from 'vitest'
import { isRsMetadataType } from './media-type.ts'

describe('isRsMetadataType', () => {
  it.each([
    ['application/rs-metadata+xml', true],
    ['application/rs-metadata', true],
    ['Application/RS-Metadata+XML ; charset=utf-8', true],
    [' application/rs-metadata;charset=utf-8', true],
    ['application/rs-metadata-request', false],
    ['application/xml', false],
    ['application/sdp', false],
    ['', false],
    [`${' '.repeat(1000)}application/rs-metadata`, false],
  ])('%s: %s (RFC 9806)', (type, is) => expect(isRsMetadataType(type)).toBe(is))
})
