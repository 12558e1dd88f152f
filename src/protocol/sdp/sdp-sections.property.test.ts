import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sectionsOf } from './sdp-sections.ts'

it('gives attributes of one line each, and as many media lines as there are, whatever the text', () => {
  const words = fc.constantFrom('m=', 'a=', 'a=x:', 'm=audio 9', '\r', '\n', '\r\n', '\u2028', ':', ' ')
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ unit: 'binary' }))), (pieces) => {
      const text = pieces.join('')
      const { session, media } = sectionsOf(text)
      expect(media).toHaveLength(text.split(/\r|\n/).filter((line) => line.startsWith('m=')).length)
      const said = [...session, ...media.flat()].flatMap(({ name, value }) => [name, value])
      expect(said.filter((each) => /[\r\n]/.test(each))).toEqual([])
    }),
  )
})
