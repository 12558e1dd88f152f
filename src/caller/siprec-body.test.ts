import { describe, expect, it } from 'vitest'
import { metadataIn, partsOf } from '../../test/builders/recording-server.ts'
import { formatBody } from './siprec-body.ts'
import { formatMetadata } from './siprec-metadata.ts'
import { newUuid } from './uuid-text.ts'

const SDP = 'v=0\r\ns=-\r\n'
const XML = '<recording/>\r\n'

const requestWith = (body: ReturnType<typeof formatBody>) => ({
  kind: 'request' as const,
  method: 'INVITE',
  uri: 'sip:srs@127.0.0.1',
  headers: [['Content-Type', body.type] as const, ...(body.headers ?? [])],
  body: Buffer.from(body.text),
})

describe('a body of a recording session', () => {
  it('has the description, then the metadata, each as it is', () => {
    const body = formatBody({ sdp: SDP, metadata: XML })
    expect(body.type).toMatch(/^multipart\/mixed;boundary=recording-[0-9a-f]{24}$/)
    expect(body.headers).toEqual([['MIME-Version', '1.0']])
    expect(partsOf(requestWith(body))).toEqual([
      { type: 'application/sdp', disposition: undefined, text: SDP },
      { type: 'application/rs-metadata+xml', disposition: 'recording-session', text: XML },
    ])
  })

  it('follows the quirks of its client', () => {
    const style = { metadataFirst: true, legacyMediaType: true, bareLineFeeds: true }
    const body = formatBody({ sdp: SDP, metadata: XML }, style)
    expect(body.text).not.toContain('\r')
    expect(partsOf(requestWith(body)).map(({ type }) => type)).toEqual(['application/rs-metadata', 'application/sdp'])
  })

  it('is no multipart where there is one part', () => {
    expect(formatBody({ sdp: SDP })).toEqual({ type: 'application/sdp', text: SDP })
    const metadata = formatBody({ metadata: XML })
    expect(metadata).toMatchObject({ type: 'application/rs-metadata+xml', text: XML })
    expect(metadataIn(requestWith(metadata))).toBe(XML)
  })
})

describe('metadata', () => {
  it('is written in the order of the schema, and nothing in it is markup that was not meant so', () => {
    const document = {
      dataMode: 'partial' as const,
      groupId: 'g',
      sessions: [{ id: 's', sipSessionId: 'a;remote=b', groupId: 'g', startTime: 't1', stopTime: 't2' }],
      participants: [
        { id: 'p', aor: 'sip:a&b@example.com', name: `<"O'Neil">` },
        { id: 'q', aor: 'tel:1' },
      ],
      streams: [{ id: 'm', sessionId: 's', label: '1' }],
      sessionRecordings: [{ sessionId: 's', from: 't1' }],
      participantSessions: [{ participantId: 'p', sessionId: 's', from: 't1', to: 't2' }],
      participantStreams: [
        { participantId: 'p', sends: ['m'], receives: ['n'] },
        { participantId: 'q', sends: [], receives: [] },
      ],
    }
    expect(formatMetadata(document).split('\r\n')).toEqual([
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<recording xmlns="urn:ietf:params:xml:ns:recording:1">',
      '  <datamode>partial</datamode>',
      '  <group group_id="g"/>',
      '  <session session_id="s">',
      '    <sipSessionID>a;remote=b</sipSessionID>',
      '    <group-ref>g</group-ref>',
      '    <start-time>t1</start-time>',
      '    <stop-time>t2</stop-time>',
      '  </session>',
      '  <participant participant_id="p">',
      '    <nameID aor="sip:a&amp;b@example.com">',
      '      <name>&lt;&quot;O&apos;Neil&quot;&gt;</name>',
      '    </nameID>',
      '  </participant>',
      '  <participant participant_id="q">',
      '    <nameID aor="tel:1"/>',
      '  </participant>',
      '  <stream stream_id="m" session_id="s">',
      '    <label>1</label>',
      '  </stream>',
      '  <sessionrecordingassoc session_id="s">',
      '    <associate-time>t1</associate-time>',
      '  </sessionrecordingassoc>',
      '  <participantsessionassoc participant_id="p" session_id="s">',
      '    <associate-time>t1</associate-time>',
      '    <disassociate-time>t2</disassociate-time>',
      '  </participantsessionassoc>',
      '  <participantstreamassoc participant_id="p">',
      '    <send>m</send>',
      '    <recv>n</recv>',
      '  </participantstreamassoc>',
      '  <participantstreamassoc participant_id="q"/>',
      '</recording>',
      '',
    ])
  })

  it('names things by the base64 of a UUID', () => {
    const { uuid, text } = newUuid()
    expect(Buffer.from(text, 'base64').toString('hex')).toBe(uuid.replaceAll('-', ''))
    expect(text).toHaveLength(24)
  })
})
