import { expect, it } from 'vitest'
import { formatIceServers } from './ice-servers.ts'

it('tells of servers as RFC 9725 §4.6 has it', () => {
  expect(
    formatIceServers([
      { uri: 'stun:stun.example.net' },
      { uri: 'turn:turn.example.net?transport=udp', username: 'user', credential: 'myPassword' },
      { uri: 'turns:[fd00::1]:5349', username: 'user' },
    ]),
  ).toEqual([
    '<stun:stun.example.net>; rel="ice-server"',
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="myPassword"; credential-type="password"',
    '<turns:[fd00::1]:5349>; rel="ice-server"; username="user"',
  ])
})

it('quotes what would end a quoted text', () => {
  const [link] = formatIceServers([{ uri: 'turn:h', username: 'a"b\\c', credential: '\\"' }])
  expect(link).toContain(String.raw`username="a\"b\\c"; credential="\\\""`)
})

it('tells of none when there are none', () => expect(formatIceServers([])).toEqual([]))
