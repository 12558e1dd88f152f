/** A request as an attacker writes it: no transaction, no dialog, whatever is asked for. */
export interface RawRequest {
  readonly method?: string
  readonly transport?: 'UDP' | 'TCP' | 'TLS'
  readonly from?: string
  readonly callId: string
  readonly branch: string
  readonly toTag?: string
  readonly cseq?: number
  readonly headers?: readonly string[]
  readonly body?: string
  /** Says another length than that of the body. */
  readonly declaredBytes?: number
}

/** An offer of one PCMU stream. */
export const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n')

/** Its text. The sender listens nowhere: answers go to port 9. */
export const rawRequest = (request: RawRequest): string => {
  const { method = 'INVITE', transport = 'UDP', from = '127.0.0.1', callId, branch, toTag, cseq = 1 } = request
  const { body = '', headers = [] } = request
  return [
    `${method} sip:rec@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/${transport} ${from}:9;branch=z9hG4bK${branch}`,
    'Max-Forwards: 70',
    `From: <sip:attacker@${from}>;tag=a${branch}`,
    `To: <sip:rec@127.0.0.1>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:attacker@${from}:9>`,
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${request.declaredBytes ?? Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
