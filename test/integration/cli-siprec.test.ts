import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { goldenOffer } from '../builders/siprec-offers.ts'
import { refusal, useFolders } from './support/cli.ts'

const folders = useFolders()
const OFFERS = 'test/golden/siprec'

interface Printed {
  readonly isSiprec: boolean
  readonly answer: { readonly status: number }
  readonly layout: string
  readonly legId?: string
}

describe('siprec explain', () => {
  it.each(['ribbon-sonus', 'with-video', 'audiocodes-srtp', 'persistent'])('%s: word for word', async (name) => {
    const { code, stdout, stderr } = await folders.cli().run('siprec', 'explain', join(OFFERS, `${name}.sip`))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(readFileSync(join(OFFERS, 'explained', `${name}.txt`), 'utf8'))
  })

  it('prints JSON, and reads the standard input, pasted with line feeds', async () => {
    const cli = folders.cli()
    const { bytes, expected } = goldenOffer('cisco-cube')
    const pasted = bytes.toString('latin1').replaceAll('\r\n', '\n')
    const { code, stdout, stderr } = await cli.runFed(pasted, 'siprec', 'explain', '-', '--json', '--layout', 'mono')
    expect([code, stderr]).toEqual([0, ''])
    const printed = JSON.parse(stdout) as Printed
    expect(printed).toMatchObject({ isSiprec: true, answer: { status: 200 }, layout: 'mono', legId: expected.leg_id })
  })

  it('ends with 1 when the INVITE would be refused', async () => {
    const args = ['siprec', 'explain', join(OFFERS, 'rfc-two-streams.sip'), '--secure-media']
    const { code, stdout } = await folders.cli().run(...args)
    expect(code).toBe(1)
    expect(stdout).toContain('488: no line can be recorded')
  })

  it.each([
    ['', 'The standard input is no INVITE that can be explained: it is empty.'],
    ['hello\n', 'The standard input is no INVITE that can be explained: it is no SIP message: no SIP start line.'],
    [
      'OPTIONS sip:rec@example.com SIP/2.0\r\n\r\n',
      'The standard input is no INVITE that can be explained: it is OPTIONS, not INVITE.',
    ],
    [
      'INVITE sip:rec@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n',
      'The standard input is no INVITE that can be explained: the INVITE has no body, so that there is nothing to explain.',
    ],
    [
      'x'.repeat(10_000_000),
      'The standard input is no INVITE that can be explained: it is longer than 65536 bytes, which no message may be.',
    ],
  ])('refuses in one line what is none: %#', async (input, line) => {
    const args = ['siprec', 'explain', '-']
    expect(refusal(await folders.cli().runFed(input, ...args), 2, args)).toBe(line)
  })

  it('refuses in one line files that cannot be read, and wrong arguments', async () => {
    const cli = folders.cli()
    const missing = join(folders.fresh(), 'missing.sip')
    expect(await cli.refused(2, 'siprec', 'explain', missing)).toMatch(/missing\.sip cannot be read: ENOENT/)
    const file = join(folders.fresh(), 'invite.sip')
    writeFileSync(file, goldenOffer('cisco-cube').bytes)
    expect(await cli.refused(2, 'siprec', 'explain', file, '--layout', 'quad')).toBe(
      '--layout must be one of stereo, mono, separate, not quad.',
    )
    expect(await cli.refused(2, 'siprec', 'explain', file, '--codec', 'G729')).toContain('--codec must be one of')
  })
})
