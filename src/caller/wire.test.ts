import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerSdp } from '../../test/builders/sip-caller.ts'
import { formatReceiverReport } from '../audio/rtp/rtcp.ts'
import { readReports } from './rtcp-sender.ts'
import { readSession } from './session-text.ts'
import { makeRequest } from './sip-text.ts'
import { formatMessage, MessageSplitter, parseDatagram } from './sip-wire.ts'

const request = (text = 'x') =>
  makeRequest({
    method: 'OPTIONS',
    uri: 'sip:a@127.0.0.1',
    via: 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1',
    from: '<sip:a@b>;tag=1',
    to: '<sip:c@d>',
    callId: 'e',
    cseq: 3,
    body: { type: 'text/plain', text },
  })

describe('SIP on the wire', () => {
  it('is read as it was written, in one datagram and in any pieces of a stream', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(60), { maxLength: 40 }),
        (texts, cuts) => {
          const messages = texts.map(request)
          for (const message of messages)
            expect(parseDatagram(formatMessage(message))).toMatchObject({
              method: 'OPTIONS',
              body: Uint8Array.from(message.body),
            })
          const stream = Buffer.concat(messages.map(formatMessage))
          const splitter = new MessageSplitter()
          const found = []
          let at = 0
          for (const cut of [...cuts, stream.length]) {
            found.push(...splitter.append(stream.subarray(at, at + cut)))
            at = Math.min(stream.length, at + cut)
          }
          expect(found.map((message) => message.kind === 'request' && Buffer.from(message.body).toString())).toEqual(
            texts,
          )
        },
      ),
      { numRuns: 100 },
    )
  })

  it.each([
    ['bare line feeds', (text: string) => text.replaceAll('\r\n', '\n')],
    ['a short header name', (text: string) => text.replace('Call-ID', 'i')],
    ['two spaces', (text: string) => text.replace('Call-ID: ', 'Call-ID:  ')],
    ['a folded line', (text: string) => text.replace('Call-ID: ', 'Call-ID:\r\n ')],
    ['a Content-Length that is wrong', (text: string) => text.replace('Content-Length: 1', 'Content-Length: 2')],
    ['no Content-Length', (text: string) => text.replace('Content-Length: 1\r\n', '')],
    ['another version', (text: string) => text.replace('SIP/2.0', 'SIP/3.0')],
    ['nothing', () => ''],
  ])('is garbled with %s: a server of ours never sends that', (_what, spoil) => {
    expect(parseDatagram(Buffer.from(spoil(formatMessage(request()).toString())))).toMatchObject({ kind: 'garbled' })
  })

  it('does not throw, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, text) => {
        parseDatagram(bytes)
        new MessageSplitter().append(bytes)
        readReports(bytes)
        readSession(text)
        readSession(answerSdp().slice(0, text.length * 7))
      }),
    )
  })
})

describe('receiver reports', () => {
  it('are read as the server writes them, and not at all when cut', () => {
    const block = { ssrc: 77, fractionLost: 12, cumulativeLost: 345, highestSequence: 70_000, jitterTicks: 9 }
    const sent = { ...block, lastSenderReport: 1, delaySinceLastSenderReport: 2 }
    const bytes = formatReceiverReport(5, sent, 'poulsen')
    expect(readReports(bytes)).toEqual([block])
    expect(readReports(formatReceiverReport(5, undefined, 'poulsen'))).toEqual([])
    for (let length = 0; length < 32; length += 1) expect(readReports(bytes.subarray(0, length))).toEqual([])
  })
})
