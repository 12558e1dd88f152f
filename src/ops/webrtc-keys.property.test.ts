import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseWebRtcListen, WEBRTC_KEYS } from './webrtc-keys.ts'

/** Texts of these words, and of any others. */
const textOf = (...words: readonly string[]) =>
  fc
    .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, fc.string({ unit: 'binary', maxLength: 3 })), {
      maxLength: 8,
    })
    .map((pieces) => pieces.join(''))

it('reads where to listen, or nothing, whatever the text', () => {
  fc.assert(
    fc.property(textOf('127.0.0.1', '[', '::1', ']', ':', '8189', '65536', 'none'), (text) => {
      const { port } = parseWebRtcListen(text) ?? { port: 0 }
      expect([port >= 0, port <= 65_535]).toEqual([true, true])
    }),
    { numRuns: 500 },
  )
})

it('reads ICE servers that fit into a header field, or none, whatever the text', () => {
  const { parse } = WEBRTC_KEYS.WEBRTC_ICE_SERVERS
  fc.assert(
    fc.property(
      textOf(...'stun: turn: turns: u:p@ u : @ é \x01 h.example [::1] [::g] :1 :65536 ?transport=tcp ,'.split(' ')),
      (text) => {
        const servers = parse(text) ?? []
        expect(servers.map(({ uri }) => uri).join('')).toMatch(/^[A-Za-z0-9.:?=[\]-]*$/)
        expect(servers.map(({ username = '', credential = '' }) => username + credential).join('')).toMatch(/^[!-~]*$/)
        expect(servers.filter(({ uri }) => /^stun.*\?|\[::g|:65536/.test(uri))).toEqual([])
        expect(servers.length).toBeLessThanOrEqual(8)
      },
    ),
    { numRuns: 500 },
  )
})

it('reads origins as browsers send them, or none, whatever the text', () => {
  const { parse } = WEBRTC_KEYS.WEBRTC_ORIGINS
  fc.assert(
    fc.property(textOf('https://', 'http://', 'a.example', ':8080', ',', ' ', '/', '*', 'none'), (text) => {
      const origins = parse(text) ?? []
      if (origins === '*') return
      expect(origins.map((origin) => new URL(origin).origin)).toEqual(origins)
      expect(origins.join()).not.toContain('*')
    }),
    { numRuns: 500 },
  )
})
