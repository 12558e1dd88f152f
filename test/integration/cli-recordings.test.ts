import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { wavOf } from '../acceptance/support/wav.ts'
import { golden, mediaFiles, refusal, sha256, TIME, UUID, useFolders } from './support/cli.ts'

const folders = useFolders()
const SPEECH = golden('opus-mono.ogg')

interface Line {
  readonly id: string
  readonly outcome?: string
}

describe('recording upload', () => {
  it('stores everything that it is told, read from the bytes and exact to the millisecond', async () => {
    const cli = await folders.cliWithProject()
    const [id, leg, conference] = [randomUUID(), randomUUID(), randomUUID()]
    const about = [
      '--id',
      id,
      '--leg-type',
      'pstn',
      '--leg-id',
      leg,
      '--track',
      'inbound',
      '--conference-id',
      conference,
    ]
    const upload = ['recording', 'upload', SPEECH, ...about, '--started-at', '2026-01-31T13:00:00.123+01:00']
    const { outcome, ...line } = await cli.json<Line>(...upload)
    expect(outcome).toBe('stored')
    expect(line).toEqual({
      id,
      created_at: '2026-01-31T12:00:00.123Z',
      updated_at: expect.stringMatching(TIME),
      duration_ms: 1358,
      status: 'completed',
      track: 'inbound',
      leg_type: 'pstn',
      leg_id: leg,
      relay_conference_id: conference,
      price: 0.5,
      format: 'ogg',
      codec: 'opus',
      sample_rate_hz: 48_000,
      channels: 1,
      byte_size: 4279,
      sha256: sha256(SPEECH),
    })
    expect(await cli.json('recording', 'get', id)).toEqual(line)
    expect(await cli.json('recording', 'list')).toEqual([line])
    expect(await cli.json<Line>(...upload)).toEqual({ outcome: 'repeated', ...line })
    expect(mediaFiles(cli)).toHaveLength(1)
  })

  it('has defaults for everything', async () => {
    const cli = await folders.cliWithProject()
    const before = Date.now()
    const { created_at, ...line } = await cli.json<Line & { created_at: string }>('recording', 'upload', SPEECH)
    expect(Date.parse(created_at)).toBeGreaterThanOrEqual(before)
    expect(line).toMatchObject({
      outcome: 'stored',
      leg_type: 'sip',
      track: 'both',
      leg_id: expect.stringMatching(UUID),
    })
    expect(line).not.toHaveProperty('relay_conference_id')
  })

  it('says to people what it stored', async () => {
    const cli = await folders.cliWithProject()
    const flags = ['--id', randomUUID(), '--started-at', '2026-01-31T12:00:00Z']
    const first = await cli.run('recording', 'upload', SPEECH, ...flags)
    expect([first.code, first.stderr]).toEqual([0, ''])
    const [outcome, head, row, ...end] = first.stdout.split('\n')
    expect([outcome, ...end]).toEqual(['stored', ''])
    expect(head?.split(/ {2,}/)).toEqual(['id', 'created', 'status', 'length', 'size', 'format', 'leg'])
    const cells = [flags[1], '2026-01-31T12:00:00.000Z', 'completed', '1.4 s', '4.28 kB', 'ogg/opus', 'sip']
    expect(row?.split(/ {2,}/)).toEqual(cells)
    expect((await cli.run('recording', 'upload', SPEECH, ...flags)).stdout).toBe(`repeated\n${head}\n${row}\n`)
    expect((await cli.run('recording', 'list')).stdout).toBe(`${head}\n${row}\n`)
  })

  it('of other bytes under an id that is taken is a conflict and changes nothing', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await cli.json<Line>('recording', 'upload', SPEECH)
    const kept = await cli.json('recording', 'get', id)
    const line = await cli.refused(4, 'recording', 'upload', golden('vorbis-mono.ogg'), '--id', id)
    expect(line).toBe(`Recording ${id} already exists with other bytes.`)
    expect(await cli.json('recording', 'list')).toEqual([kept])
    expect(mediaFiles(cli)).toHaveLength(1)
  })

  it.each([
    [['--id', 'x'], '--id must be a UUID, not x.'],
    [['--leg-id', 'x'], '--leg-id must be a UUID, not x.'],
    [['--conference-id', 'x'], '--conference-id must be a UUID, not x.'],
    [['--leg-type', 'fax'], '--leg-type must be one of pstn, sip, webrtc, not fax.'],
    [['--track', 'left'], '--track must be one of inbound, outbound, both, not left.'],
    [['--project', 'x'], '--project must be a UUID, not x.'],
    ...['yesterday', '5', '1960-01-01T00:00:00Z', '+275760-09-13T00:00:00Z'].map((time): [string[], string] => [
      ['--started-at', time],
      `--started-at must be a time such as 2026-01-31T12:00:00Z, not ${time}.`,
    ]),
  ])('with %o is a wrong argument', async (flags, line) => {
    const cli = await folders.cliWithProject()
    expect(await cli.refused(2, 'recording', 'upload', SPEECH, ...flags)).toBe(line)
    expect(await cli.json('recording', 'list')).toEqual([])
    expect(mediaFiles(cli)).toEqual([])
  })

  it('of what is no file, or no audio, or cannot be decoded says so, and stores nothing', async () => {
    const cli = await folders.cliWithProject()
    const refused = (file: string) => cli.refused(2, 'recording', 'upload', file)
    expect(await refused('/nowhere.wav')).toMatch(/^\/nowhere\.wav cannot be read: ENOENT\b/)
    expect(await refused('test/golden')).toMatch(/^test\/golden cannot be read: EISDIR\b/)
    expect(await refused('package.json')).toBe('The bytes are not WAV, MP3 or Ogg audio.')
    expect(await refused(golden('adpcm.wav'))).toMatch(/Microsoft ADPCM.* not supported/)
    const empty = join(folders.fresh(), 'empty.wav')
    writeFileSync(empty, '')
    expect(await refused(empty)).toMatch(/audio/i)
    expect(await cli.json('recording', 'list')).toEqual([])
    expect(mediaFiles(cli)).toEqual([])
  })

  it('of a file over POULSEN_UPLOAD_MAX_BYTES is refused as too large', async () => {
    const cli = await folders.cliWithProject()
    const args = ['recording', 'upload', SPEECH]
    const line = refusal(await cli.runWith({ POULSEN_UPLOAD_MAX_BYTES: '4278' }, ...args), 7, args)
    expect(line).toBe('The upload is larger than 4278 bytes.')
    expect((await cli.runWith({ POULSEN_UPLOAD_MAX_BYTES: '4279' }, ...args)).code).toBe(0)
    expect(mediaFiles(cli)).toHaveLength(1)
  })
})

describe('recording list', () => {
  it('has the newest first and no more than --limit', async () => {
    const cli = await folders.cliWithProject()
    const days = ['2026-01-02', '2026-01-03', '2026-01-01']
    for (const day of days) await cli.json('recording', 'upload', SPEECH, '--started-at', `${day}T00:00:00Z`)
    const list = async (...flags: string[]) =>
      (await cli.json<{ created_at: string }[]>('recording', 'list', ...flags)).map((each) =>
        each.created_at.slice(0, 10),
      )
    expect(await list()).toEqual(['2026-01-03', '2026-01-02', '2026-01-01'])
    expect(await list('--limit', '2')).toEqual(['2026-01-03', '2026-01-02'])
    for (const limit of ['0', '-1', '1.5', 'many'])
      expect(await cli.refused(2, 'recording', 'list', `--limit=${limit}`)).toBe(
        `--limit must be a whole number from 1, not ${limit}.`,
      )
  })

  it('reaches past the pages of the catalogue', async () => {
    const cli = await folders.cliWithProject()
    const tree = folders.fresh()
    for (let seed = 1; seed <= 120; seed++) writeFileSync(join(tree, `${seed}.wav`), wavOf(seed, 144))
    await cli.json('recording', 'import', tree)
    expect(await cli.json('recording', 'list')).toHaveLength(50)
    const all = await cli.json<Line[]>('recording', 'list', '--limit', '1000')
    expect(new Set(all.map(({ id }) => id)).size).toBe(120)
  })
})

describe('recording get and delete', () => {
  it('shows one to people as fields', async () => {
    const cli = await folders.cliWithProject()
    const { outcome: _, ...line } = await cli.json<Line>('recording', 'upload', SPEECH)
    const { code, stdout, stderr } = await cli.run('recording', 'get', line.id)
    expect([code, stderr]).toEqual([0, ''])
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((row) => row.split(/ {2,}/))
    expect(rows).toEqual([['field', 'value'], ...Object.entries(line).map(([name, value]) => [name, String(value)])])
  })

  it('deletes the row and the bytes', async () => {
    const cli = await folders.cliWithProject()
    const [first, second] = [
      await cli.json<Line>('recording', 'upload', SPEECH),
      await cli.json<Line>('recording', 'upload', SPEECH),
    ]
    expect(await cli.json('recording', 'delete', first.id)).toEqual({ deleted: first.id })
    expect(mediaFiles(cli)).toEqual([expect.stringContaining(second.id)])
    expect(await cli.refused(3, 'recording', 'delete', first.id)).toBe(
      `There is no recording ${first.id} in this project.`,
    )
    expect(await cli.run('recording', 'delete', second.id)).toEqual({
      code: 0,
      stdout: `deleted ${second.id}\n`,
      stderr: '',
    })
    expect(await cli.json('recording', 'list')).toEqual([])
  })

  it.each(['get', 'delete'])('%s refuses wrong, unknown and other projects ids', async (verb) => {
    const cli = await folders.cliWithProject()
    const { id } = await cli.json<Line>('recording', 'upload', SPEECH)
    const [nobody, other] = [randomUUID(), await cli.json<Line>('project', 'create')]
    const refused = (code: number, ...args: string[]) => cli.refused(code, 'recording', verb, ...args)
    expect(await refused(2, id)).toBe('There are several projects; say which with --project <id>.')
    expect(await refused(2, 'x', '--project', cli.projectId)).toBe('id must be a UUID, not x.')
    expect(await refused(3, nobody, '--project', cli.projectId)).toBe(
      `There is no recording ${nobody} in this project.`,
    )
    expect(await refused(3, id, '--project', other.id)).toBe(`There is no recording ${id} in this project.`)
    expect(await refused(3, id, '--project', nobody)).toBe(`There is no project ${nobody}.`)
    expect(await cli.json('recording', verb, id.toUpperCase(), '--project', cli.projectId)).toBeTypeOf('object')
  })
})
