/** A STUN or TURN server that publishers are told of. */
export interface IceServer {
  /** `stun:host:port`, `turns:host:port?transport=tcp`, … (RFC 7064, RFC 7065). */
  readonly uri: string
  readonly username?: string
  readonly credential?: string
}
