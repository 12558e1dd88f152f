import type { IceServer } from '../../domain/ice-server.ts'

/** One `Link` header field of a WHIP answer for each (RFC 9725 §4.6). */
export const formatIceServers = (servers: readonly IceServer[]): readonly string[] =>
  servers.map(({ uri, username, credential }) =>
    [
      `<${uri}>; rel="ice-server"`,
      ...(username === undefined ? [] : [`username=${quote(username)}`]),
      ...(credential === undefined ? [] : [`credential=${quote(credential)}`, 'credential-type="password"']),
    ].join('; '),
  )

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
