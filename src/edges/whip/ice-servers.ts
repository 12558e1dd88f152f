/** A STUN or TURN server that publishers are told of. */
export interface IceServer {
  /** `stun:host:port`, `turns:host:port?transport=tcp`, … (RFC 7064, RFC 7065). */
  readonly uri: string
  readonly username?: string
  readonly credential?: string
}

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
