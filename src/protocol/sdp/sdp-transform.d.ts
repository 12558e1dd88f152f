// What we use of sdp-transform 3, which ships no types. Everything comes from a peer: nothing of it is sure to be there.
declare module 'sdp-transform' {
  export interface ParsedMedia {
    type?: unknown
    port?: unknown
    protocol?: unknown
    payloads?: unknown
    connection?: { ip?: unknown; version?: unknown }
    rtp?: { payload?: unknown; codec?: unknown; rate?: unknown; encoding?: unknown }[]
    fmtp?: { payload?: unknown; config?: unknown }[]
    rtcp?: { port?: unknown; address?: unknown }
    rtcpMux?: unknown
    direction?: unknown
    ptime?: unknown
    label?: unknown
  }
  export interface ParsedSession {
    origin?: { username?: unknown; sessionId?: unknown; sessionVersion?: unknown }
    connection?: { ip?: unknown; version?: unknown }
    direction?: unknown
    media?: ParsedMedia[]
  }
  export function parse(text: string): ParsedSession
}
