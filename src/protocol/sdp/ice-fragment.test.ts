import { describe, expect, it } from 'vitest'
import { CANDIDATES_MAX } from './ice-candidate.ts'
import { FRAGMENT_CHARACTERS_MAX, parseIceFragment } from './ice-fragment.ts'

const HOST = 'candidate:480316330 1 udp 2122194687 192.0.2.2 59989 typ host generation 0 ufrag EsAw'
const LATER = 'candidate:2 1 udp 1685987071 203.0.113.9 4000 typ srflx raddr 192.0.2.2 rport 59989'
const fragment = (...lines: readonly string[]): string => [...lines, ''].join('\r\n')

describe('a fragment', () => {
  it('has whose candidates it brings on a line of its media (RFC 9725 §4.3.2)', () => {
    const text = fragment(
      'a=group:BUNDLE 0 1',
      'm=audio 9 UDP/TLS/RTP/SAVPF 0',
      'a=mid:0',
      'a=ice-ufrag:EsAw',
      'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
      `a=${HOST}`,
      'm=audio 9 UDP/TLS/RTP/SAVPF 0',
      'a=mid:1',
      `a=${LATER}`,
      'a=end-of-candidates',
    )
    expect(parseIceFragment(text)).toEqual({ ufrag: 'EsAw', candidates: [HOST, LATER] })
  })

  it('may say it for the session, and bring nothing', () => {
    expect(parseIceFragment(fragment('a=ice-ufrag:EsAw', 'a=end-of-candidates'))).toEqual({
      ufrag: 'EsAw',
      candidates: [],
    })
    expect(parseIceFragment('a=ice-ufrag:EsAw')).toEqual({ ufrag: 'EsAw', candidates: [] })
  })

  it('loses the candidates that cannot be used', () => {
    const useless = ['candidate:1 1 udp 1 x.local 9 typ host', 'candidate:', 'candidate:1 1 tcp 1 192.0.2.1 9 typ host']
    const lines = [...useless, HOST].map((candidate) => `a=${candidate}`)
    expect(parseIceFragment(fragment('a=ice-ufrag:EsAw', ...lines))).toEqual({ ufrag: 'EsAw', candidates: [HOST] })
  })

  it('is heard out of candidates only so far', () => {
    const lines = Array.from({ length: CANDIDATES_MAX + 1 }, () => `a=${HOST}`)
    expect(parseIceFragment(fragment('a=ice-ufrag:EsAw', ...lines))?.candidates).toHaveLength(CANDIDATES_MAX)
  })

  it.each([
    ['', 'nothing'],
    [fragment(`a=${HOST}`), 'no ufrag'],
    [fragment('a=ice-ufrag:'), 'an empty ufrag'],
    [fragment('a=ice-ufrag:abc'), 'a short ufrag'],
    [fragment('a=ice-ufrag:EsAw x'), 'two words for a ufrag'],
    [fragment('a=ice-ufrag:bad', 'a=ice-ufrag:EsAw'), 'a bad ufrag before a good one'],
    [fragment('a=ice-ufrag:EsAw', 'x'.repeat(FRAGMENT_CHARACTERS_MAX)), 'too much'],
    ['{"ufrag":"EsAw"}', 'something else'],
  ])('is not read: %#', (text, what) => expect(parseIceFragment(text), what).toBeUndefined())
})
