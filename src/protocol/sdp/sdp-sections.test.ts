import { describe, expect, it } from 'vitest'
import { sectionsOf } from './sdp-sections.ts'

describe('the attributes of a description', () => {
  it('are where they stand, in their order', () => {
    const text = [
      'v=0',
      'a=group:BUNDLE 0',
      'm=audio 9 x 0',
      'c=IN IP4 h',
      'a=mid:0',
      'a=sendonly',
      'm=video 9 x 1',
      '',
    ]
    expect(sectionsOf(text.join('\r\n'))).toEqual({
      session: [{ name: 'group', value: 'BUNDLE 0' }],
      media: [
        [
          { name: 'mid', value: '0' },
          { name: 'sendonly', value: '' },
        ],
        [],
      ],
    })
  })

  it.each(['\r\n', '\r', '\n'])('are told apart by %j', (lineEnd) => {
    const { session, media } = sectionsOf(['a=x:1', 'm=audio', 'a=y:2'].join(lineEnd))
    expect([session, media]).toEqual([[{ name: 'x', value: '1' }], [[{ name: 'y', value: '2' }]]])
  })

  it('may have colons and spaces in what they say, and none around it', () => {
    expect(sectionsOf('a=x: 1:2 3 ').session).toEqual([{ name: 'x', value: '1:2 3' }])
  })

  it.each([
    'a=',
    'a=:x',
    ' a=x',
    'A=x',
    'b=x:1',
    'a=x y:1',
    'a=é:1',
    `a=${'x'.repeat(65)}`,
    `a=x:${'y'.repeat(2049)}`,
  ])('are not read of %j', (line) => expect(sectionsOf(line)).toEqual({ session: [], media: [] }))

  it('of nothing are none', () => expect(sectionsOf('')).toEqual({ session: [], media: [] }))
})
