import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { wavOf } from '../acceptance/support/wav.ts'
import { type Cli, flipByte, golden, mediaFiles, sha256, useFolders } from './support/cli.ts'
import { all, done, exportOf, importOf, type Line, linesOf, listOf, useTrees } from './support/trees.ts'

const folders = useFolders()
const { treeOf, withVariety } = useTrees(folders)
const FILES_OF_KILLED = 400

describe('import of a tree', () => {
  it('stores every audio file below it, leaves the rest alone, and stores nothing twice', async () => {
    const cli = await folders.cliWithProject()
    const tree = treeOf({
      'one.wav': 's16-mono-8k.wav',
      'ß and space/TWO.MP3': 'cbr-info-44k.mp3',
      'a/b/c/three.ogg': 'opus-mono.ogg',
      'a/four.opus': 'opus-stereo.ogg',
      'a/notes.txt': Buffer.from('not audio'),
      'one.wav.bak': 's16-mono-8k.wav',
      'gone.wav.json': { id: randomUUID() },
    })
    execFileSync('touch', ['-d', '2026-01-31T12:00:00.123Z', join(tree, 'one.wav')])
    expect(await importOf(cli, tree)).toEqual(done(4, 0))
    const stored = await all(cli)
    expect(stored.map((line) => line.sha256).sort()).toEqual(
      ['s16-mono-8k.wav', 'cbr-info-44k.mp3', 'opus-mono.ogg', 'opus-stereo.ogg']
        .map((name) => sha256(golden(name)))
        .sort(),
    )
    expect(stored.find((line) => line.sha256 === sha256(golden('s16-mono-8k.wav')))).toMatchObject({
      created_at: '2026-01-31T12:00:00.123Z',
      duration_ms: 1000,
      status: 'completed',
      track: 'both',
      leg_type: 'sip',
      price: 0.5,
    })
    expect(await importOf(cli, tree)).toEqual(done(0, 4))
    expect(await importOf(cli, `${tree}/`)).toEqual(done(0, 4))
    expect(await all(cli)).toEqual(stored)
    expect(mediaFiles(cli)).toHaveLength(4)
    copyFileSync(golden('vorbis-mono.ogg'), join(tree, 'later.oga'))
    expect(await importOf(cli, tree)).toEqual(done(1, 4))
  })

  it('says to people how it went, and draws nothing where no terminal is', async () => {
    const cli = await folders.cliWithProject()
    const tree = treeOf({ 'a.ogg': 'opus-mono.ogg', 'b/bad.wav': Buffer.from('not audio') })
    expect(await cli.run('recording', 'import', tree)).toEqual({
      code: 1,
      stdout: 'b/bad.wav  The bytes are not WAV, MP3 or Ogg audio.\n1 stored, 0 already there, 1 failed\n',
      stderr: '',
    })
    const empty = await cli.run('recording', 'import', folders.fresh())
    expect(empty).toEqual({ code: 0, stdout: '0 stored, 0 already there, 0 failed\n', stderr: '' })
  })

  it('takes what sidecars say', async () => {
    const cli = await folders.cliWithProject()
    const [id, restored, leg, conference] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    const tree = treeOf({
      'full.ogg': 'opus-mono.ogg',
      'full.ogg.json': {
        id: id.toUpperCase(),
        created_at: '2026-01-31T13:00:00.007+01:00',
        track: 'outbound',
        relay_webrtc_leg_id: leg,
        relay_conference_id: conference,
        error_code: null,
        updated_at: '2026-02-01T00:00:00Z',
        something_else: { is: 'ignored' },
      },
      'sub/known.wav': 's16-piped.wav',
      'sub/known.wav.json': {
        id: restored,
        created_at: '2025-12-31T23:59:59.999Z',
        updated_at: '2026-01-01T00:00:00.001Z',
        status: 'finished',
        error_code: 'recovered',
        price: 0.125,
        leg_type: 'pstn',
        leg_id: leg,
      },
      'plain.wav': 'u8-mono-8k.wav',
      'plain.wav.json': {},
    })
    const before = Date.now()
    expect(await importOf(cli, tree)).toEqual(done(3, 0))
    const full = await cli.json<Line>('recording', 'get', id)
    expect(full).toMatchObject({
      created_at: '2026-01-31T12:00:00.007Z',
      status: 'completed',
      track: 'outbound',
      leg_type: 'webrtc',
      leg_id: leg,
      relay_conference_id: conference,
      price: 0.5,
    })
    expect(full).not.toHaveProperty('error_code')
    expect(Date.parse(full.updated_at)).toBeGreaterThanOrEqual(before)
    expect(await cli.json('recording', 'get', restored)).toMatchObject({
      created_at: '2025-12-31T23:59:59.999Z',
      updated_at: '2026-01-01T00:00:00.001Z',
      status: 'completed',
      error_code: 'recovered',
      price: 0.125,
      leg_type: 'pstn',
      leg_id: leg,
    })
    expect(await importOf(cli, tree)).toEqual(done(0, 3))
  })

  it.each([
    ['not JSON', Buffer.from('{"id":'), 'not a JSON object'],
    ['a list', [], 'not a JSON object'],
    ['a wrong id', { id: 'seven' }, 'id is not allowed to be "seven"'],
    ['a wrong time', { created_at: 'yesterday' }, 'created_at is not allowed to be "yesterday"'],
    ['a wrong track', { track: 'left' }, 'track is not allowed to be "left"'],
    ['a wrong status', { status: 7 }, 'status is not allowed to be 7'],
    ['a negative price', { price: -1 }, 'price is not allowed to be -1'],
    ['a wrong leg id', { relay_sip_leg_id: 'x' }, 'relay_sip_leg_id is not a UUID'],
    ['a leg id that is a number', { relay_pstn_leg_id: 7 }, 'relay_pstn_leg_id is not a UUID'],
    [
      'two legs',
      { relay_sip_leg_id: randomUUID(), relay_pstn_leg_id: randomUUID() },
      'there may be only one relay leg id',
    ],
  ])('leaves out a file whose sidecar is %s, by name, and stores the others', async (_what, sidecar, why) => {
    const cli = await folders.cliWithProject()
    const tree = treeOf({ 'a/bad.ogg': 'opus-mono.ogg', 'a/bad.ogg.json': sidecar, 'good.wav': 's16-piped.wav' })
    const failed = [{ file: 'a/bad.ogg', why: `a/bad.ogg.json: ${why}` }]
    expect(await importOf(cli, tree)).toEqual({ code: 1, stored: 1, repeated: 0, failed })
  })

  it('leaves out what has an id that other bytes have', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await cli.json<Line>('recording', 'upload', golden('vorbis-mono.ogg'))
    const tree = treeOf({
      'a.ogg': 'opus-mono.ogg',
      'a.ogg.json': { id },
      'b.ogg': 'vorbis-mono.ogg',
      'b.ogg.json': { id },
    })
    const why = `Recording ${id} already exists with other bytes.`
    expect(await importOf(cli, tree)).toEqual({ code: 1, stored: 0, repeated: 1, failed: [{ file: 'a.ogg', why }] })
  })

  it('stores every file however few uploads may run at once', async () => {
    const cli = await folders.cliWithProject()
    const files = Array.from({ length: 12 }, (_, seed) => [`${seed}.wav`, wavOf(seed + 1, 100_000)] as const)
    const tree = treeOf(Object.fromEntries(files))
    const only = { POULSEN_UPLOAD_CONCURRENT_MAX: '1' }
    const { code, stdout } = await cli.runWith(only, 'recording', 'import', tree, '--json')
    expect({ code, ...JSON.parse(stdout) }).toEqual(done(12, 0))
  })

  it('of what is no folder, or into no project, is refused in one line', async () => {
    const cli = folders.cli()
    const refused = (code: number, ...args: string[]) => cli.refused(code, 'recording', 'import', ...args)
    const tree = treeOf({ 'a.ogg': 'opus-mono.ogg' })
    expect(await refused(2, tree)).toBe('There is no project yet.')
    await cli.json('project', 'create')
    const nobody = randomUUID()
    expect(await refused(3, tree, '--project', nobody)).toBe(`There is no project ${nobody}.`)
    expect(await refused(2)).toBe("missing required argument 'folder'")
    expect(await refused(2, '/nowhere')).toContain('/nowhere')
  })

  it('of a file instead of a folder is refused in one line', async () => {
    const cli = await folders.cliWithProject()
    expect(await cli.refused(2, 'recording', 'import', 'package.json')).toContain('package.json')
  })
})

describe('import that is killed', () => {
  it('goes on where it stopped: nothing is lost, nothing is there twice', { timeout: 60_000 }, async () => {
    const project = randomUUID()
    const [killed, whole] = [folders.cli(), folders.cli()]
    const files = Array.from(
      { length: FILES_OF_KILLED },
      (_, seed) => [`${seed % 7}/${seed}.wav`, wavOf(seed + 1, 4044)] as const,
    )
    const tree = treeOf(Object.fromEntries(files))
    for (const cli of [killed, whole]) await cli.json('project', 'create', '--id', project)

    for (const more of [20, 90]) {
      const past = mediaFiles(killed).length + more
      const child = killed.start('recording', 'import', tree)
      const gone = once(child, 'exit')
      await expect.poll(() => mediaFiles(killed).length, { interval: 1, timeout: 20_000 }).toBeGreaterThan(past)
      child.kill('SIGKILL')
      expect(await gone).toEqual([null, 'SIGKILL'])
    }
    const there = (await all(killed)).length
    expect(there).toBeGreaterThan(90)
    expect(there).toBeLessThan(FILES_OF_KILLED)

    expect(await importOf(killed, tree)).toEqual(done(FILES_OF_KILLED - there, there))
    expect(await importOf(whole, tree)).toEqual(done(FILES_OF_KILLED, 0))
    const known = async (cli: Cli) => (await all(cli)).map((line) => ({ ...line, updated_at: '' }))
    const recordings = await known(killed)
    expect(recordings).toEqual(await known(whole))
    expect(recordings.map((line) => line.sha256).sort()).toEqual(files.map(([, bytes]) => sha256(bytes)).sort())
    expect(await killed.json('verify')).toMatchObject({ verified: FILES_OF_KILLED, mismatches: [] })
    expect(await importOf(killed, tree)).toEqual(done(0, FILES_OF_KILLED))
  })
})

describe('export', () => {
  it('holds every field and every byte, and an import elsewhere gives exactly that back', async () => {
    const [first, second] = [await withVariety(), folders.cli()]
    await second.json('project', 'create', '--recording-price-per-minute', '99')
    const [out, back] = [join(folders.fresh(), 'made/for/it'), folders.fresh()]
    expect(await exportOf(first, out)).toEqual({ exported: 6, kept: 0, skipped: [], failed: [] })
    const lines = linesOf(out)
    expect(lines.map(({ file: _, ...line }) => line)).toEqual(await all(first))
    for (const { id, file, sha256: hash } of lines) {
      expect(file).toMatch(new RegExp(`^media/${id}\\.(wav|mp3|ogg)$`))
      expect(sha256(join(out, file))).toBe(hash)
    }
    expect(readdirSync(out).sort()).toEqual(['media', 'recordings.ndjson'])
    expect(readdirSync(join(out, 'media'))).toHaveLength(6)

    expect(await importOf(second, out)).toEqual(done(6, 0))
    expect(await all(second)).toEqual(await all(first))
    await exportOf(second, back)
    expect(listOf(back)).toBe(listOf(out))
    for (const { file } of lines) expect(sha256(join(back, file))).toBe(sha256(join(out, file)))
    expect(await second.json('verify')).toMatchObject({ verified: 6, mismatches: [] })
    expect(await importOf(second, out)).toEqual(done(0, 6))
    expect(await importOf(first, out)).toEqual(done(0, 6))
  })

  it('goes into another project of the same folder, too', async () => {
    const cli = await withVariety()
    const out = folders.fresh()
    await exportOf(cli, out)
    const from = (await cli.json<{ id: string }[]>('project', 'list'))[0]?.id ?? ''
    const { id: other } = await cli.json<{ id: string }>('project', 'create')
    expect(await importOf(cli, out, '--project', other)).toEqual(done(6, 0))
    expect(await all(cli, '--project', other)).toEqual(await all(cli, '--project', from))
    expect(mediaFiles(cli)).toHaveLength(12)
  })

  it('again equals the first, and mends files that are not whole', async () => {
    const cli = await withVariety()
    const out = folders.fresh()
    const ran = await cli.run('recording', 'export', out)
    expect(ran).toEqual({ code: 0, stdout: '6 exported, 0 already there, 0 failed\n', stderr: '' })
    const list = listOf(out)
    expect((await cli.run('recording', 'export', out)).stdout).toBe('0 exported, 6 already there, 0 failed\n')
    expect(listOf(out)).toBe(list)
    const [cut = '', flipped = ''] = readdirSync(join(out, 'media')).map((name) => join(out, 'media', name))
    truncateSync(cut, 100)
    flipByte(flipped)
    expect(await exportOf(cli, out)).toEqual({ exported: 2, kept: 4, skipped: [], failed: [] })
    for (const { file, sha256: hash } of linesOf(out)) expect(sha256(join(out, file))).toBe(hash)
  })

  it('that is killed has no list yet, and the next run finishes it', async () => {
    const cli = await folders.cliWithProject()
    const files = Array.from({ length: 300 }, (_, seed) => [`${seed}.wav`, wavOf(seed + 1, 4044)] as const)
    await importOf(cli, treeOf(Object.fromEntries(files)))
    const out = folders.fresh()
    const child = cli.start('recording', 'export', out)
    const gone = once(child, 'exit')
    const written = () => (existsSync(join(out, 'media')) ? readdirSync(join(out, 'media')).length : 0)
    await expect.poll(written, { interval: 1, timeout: 20_000 }).toBeGreaterThan(20)
    child.kill('SIGKILL')
    expect(await gone).toEqual([null, 'SIGKILL'])
    expect(existsSync(join(out, 'recordings.ndjson'))).toBe(false)
    const { exported, kept } = (await exportOf(cli, out)) as { exported: number; kept: number }
    expect(exported + kept).toBe(300)
    expect(kept).toBeGreaterThan(10)
    const lines = linesOf(out)
    expect(new Set(lines.map(({ id }) => id)).size).toBe(300)
    for (const { file, sha256: hash } of lines) expect(sha256(join(out, file))).toBe(hash)
    expect(readdirSync(join(out, 'media'))).toHaveLength(300)
  })

  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['damaged', flipByte],
  ])('leaves out a recording whose bytes are %s, and says which', async (_state, harm) => {
    const cli = await withVariety()
    const [{ id } = { id: '' }] = await all(cli)
    harm(mediaFiles(cli).find((path) => path.includes(id)) ?? '')
    const out = folders.fresh()
    const { code, stdout, stderr } = await cli.run('recording', 'export', out, '--json')
    const failed = [{ id, why: expect.stringMatching(/\w/) }]
    expect([code, stderr, JSON.parse(stdout)]).toEqual([1, '', { exported: 5, kept: 0, skipped: [], failed }])
    expect(linesOf(out).map((line) => line.id)).not.toContain(id)
    expect(readdirSync(join(out, 'media'))).toHaveLength(5)
  })

  it('to what is no folder is refused in one line', async () => {
    const cli = await folders.cliWithProject()
    const file = join(folders.fresh(), 'file')
    writeFileSync(file, '')
    expect(await cli.refused(2, 'recording', 'export', file)).toContain(file)
  })

  it('of an empty project is empty and can be imported', async () => {
    const cli = await folders.cliWithProject()
    const out = folders.fresh()
    expect(await exportOf(cli, out)).toEqual({ exported: 0, kept: 0, skipped: [], failed: [] })
    expect(listOf(out)).toBe('')
    expect(await importOf(cli, out)).toEqual(done(0, 0))
  })
})

describe('import of an export', () => {
  /** An export and one WAV of it, which has no checksum of its own, to be harmed. */
  const exported = async () => {
    const out = folders.fresh()
    await exportOf(await withVariety(), out)
    const index = linesOf(out).findIndex(({ file }) => file.endsWith('.wav'))
    const path = join(out, linesOf(out)[index]?.file ?? '')
    return { out, path, name: `recordings.ndjson:${index + 1}`, into: await folders.cliWithProject() }
  }

  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['cut off', (path: string) => truncateSync(path, 100)],
    ['damaged', flipByte],
  ])('leaves out a file that is %s, by name, and stores the others', async (_state, harm) => {
    const { out, path, name, into } = await exported()
    harm(path)
    const failed = [{ file: name, why: expect.stringMatching(/\w/) }]
    expect(await importOf(into, out)).toEqual({ code: 1, stored: 5, repeated: 0, failed })
    expect(await all(into)).toHaveLength(5)
  })

  it.each([
    ['no JSON', '{', 'recordings.ndjson:2: not a JSON object'],
    ['without a file', '{}', 'recordings.ndjson:2: there is no file'],
    ['a path out of the folder', '{"file":"../a.wav"}', 'recordings.ndjson:2: file is outside the folder'],
    ['an absolute path', '{"file":"/etc/passwd"}', 'recordings.ndjson:2: file is outside the folder'],
    ['the folder itself', '{"file":"."}', 'recordings.ndjson:2: file is outside the folder'],
  ])('leaves out a line that is %s', async (_what, line, why) => {
    const cli = await folders.cliWithProject()
    const tree = treeOf({ 'media/a.ogg': 'opus-mono.ogg' })
    writeFileSync(join(tree, 'recordings.ndjson'), `{"file":"media/a.ogg"}\n${line}\n`)
    const failed = [{ file: 'recordings.ndjson:2', why }]
    expect(await importOf(cli, tree)).toEqual({ code: 1, stored: 1, repeated: 0, failed })
  })
})
