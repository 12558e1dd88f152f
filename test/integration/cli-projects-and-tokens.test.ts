import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliOn, golden, TIME, UUID, useFolders } from './support/cli.ts'

const folders = useFolders()

interface Project {
  readonly id: string
  readonly name: string
}

interface Token {
  readonly id: string
  readonly token: string
}

describe('project', () => {
  it('is created, listed, changed and deleted', async () => {
    const cli = folders.cli()
    expect(await cli.json('project', 'list')).toEqual([])
    const first = await cli.json<Project>('project', 'create')
    expect(first).toEqual({
      id: expect.stringMatching(UUID),
      name: 'default',
      protectRecordings: false,
      recordingPricePerMinute: 0,
      createdAt: expect.stringMatching(TIME),
    })
    const id = randomUUID()
    const flags = ['--protect-recordings', '--media-url-ttl', '3600', '--recording-price-per-minute', '0.0025']
    const second = await cli.json<Project>('project', 'create', '--id', id, '--name', 'Zürich desk', ...flags)
    expect(second).toEqual({
      id,
      name: 'Zürich desk',
      protectRecordings: true,
      mediaUrlTtlSeconds: 3600,
      recordingPricePerMinute: 0.0025,
      createdAt: expect.stringMatching(TIME),
    })
    expect(await cli.json('project', 'list')).toEqual([first, second])

    const { mediaUrlTtlSeconds: _none, ...rest } = second as Project & { mediaUrlTtlSeconds: number }
    const changes = ['--no-protect-recordings', '--media-url-ttl', 'none', '--name', 'Bern']
    const changed = await cli.json('project', 'update', id, ...changes)
    expect(changed).toEqual({ ...rest, name: 'Bern', protectRecordings: false })
    expect(await cli.json('project', 'update', id)).toEqual(changed)
    expect(await cli.json('project', 'list')).toEqual([first, changed])

    expect(await cli.json('project', 'delete', first.id)).toEqual({ deleted: first.id })
    expect(await cli.json('project', 'list')).toEqual([changed])
    expect(await cli.refused(3, 'project', 'delete', first.id)).toContain('There is no such project')
  })

  it('is shown to people as a table, never with its media key', async () => {
    const cli = folders.cli()
    const { id } = await cli.json<Project>('project', 'create', '--name', 'A', '--media-url-ttl', '60')
    const { code, stdout, stderr } = await cli.run('project', 'list')
    expect([code, stderr]).toEqual([0, ''])
    const [head, row, end, ...more] = stdout.split('\n')
    expect(head).toMatch(/^id {36}name {2}created {19}protected {2}url ttl {2}price\/min$/)
    expect(row).toMatch(new RegExp(`^${id}  A     \\d{4}-\\S{18}Z  no         60 s     0$`))
    expect([end, ...more]).toEqual([''])
    const deleted = await cli.run('project', 'delete', id)
    expect(deleted).toEqual({ code: 0, stdout: `deleted ${id}\n`, stderr: '' })
  })

  it('with recordings is not deleted, and says that they are why', async () => {
    const cli = folders.cli()
    const { id } = await cli.json<Project>('project', 'create')
    const recording = await cli.json<{ id: string }>('recording', 'upload', golden('s16-piped.wav'))
    expect(await cli.refused(4, 'project', 'delete', id)).toMatch(/recordings/)
    expect(await cli.json('project', 'list')).toHaveLength(1)
    await cli.json('recording', 'delete', recording.id)
    await cli.json('project', 'delete', id)
  })

  it('of an id that is taken is refused with that id, and the first stays', async () => {
    const cli = folders.cli()
    const first = await cli.json<Project>('project', 'create')
    expect(await cli.refused(4, 'project', 'create', '--id', first.id, '--name', 'other')).toContain(first.id)
    expect(await cli.json('project', 'list')).toEqual([first])
  })

  it.each([
    [['create', '--id', 'seven'], '--id must be a UUID, not seven.'],
    [['create', '--media-url-ttl', '0'], '--media-url-ttl must be whole seconds or none, not 0.'],
    [['create', '--media-url-ttl', '1.5'], '--media-url-ttl must be whole seconds or none, not 1.5.'],
    [['create', '--media-url-ttl', '1e300'], '--media-url-ttl must be whole seconds or none, not 1e300.'],
    [['create', '--recording-price-per-minute=-1'], '--recording-price-per-minute must be a number from 0, not -1.'],
    [
      ['create', '--recording-price-per-minute', 'dear'],
      '--recording-price-per-minute must be a number from 0, not dear.',
    ],
    [['update', 'seven', '--name', 'x'], 'id must be a UUID, not seven.'],
    [['delete', 'seven'], 'id must be a UUID, not seven.'],
    [['delete'], "missing required argument 'id'"],
    [['list', '--nope'], "unknown option '--nope'"],
    [['nope'], "unknown command 'nope'"],
  ])('%o is a wrong argument', async (args, line) => {
    const cli = folders.cli()
    expect(await cli.refused(2, 'project', ...args)).toBe(line)
  })

  it('that does not exist is not found', async () => {
    const cli = folders.cli()
    for (const args of [
      ['update', randomUUID(), '--name', 'x'],
      ['delete', randomUUID()],
    ])
      expect(await cli.refused(3, 'project', ...args)).toBe('There is no such project.')
  })

  it('comes from --data-dir before POULSEN_DATA_DIR', async () => {
    const [flagged, set] = [folders.fresh(), folders.cli()]
    const made = await set.json('project', 'create', '--data-dir', flagged)
    expect(await cliOn(flagged).json('project', 'list')).toEqual([made])
    expect(await set.json('project', 'list')).toEqual([])
  })
})

describe('token', () => {
  it('is created with its secret, listed without it, and revoked', async () => {
    const cli = folders.cli()
    const { id: projectId } = await cli.json<Project>('project', 'create')
    const made = await cli.json<Token>('token', 'create', '--name', 'app', '--permission', 'voice', 'storage')
    const { token: secret, ...shown } = made
    expect(secret).toMatch(/^PT[0-9a-f]{48}$/)
    expect(shown).toEqual({
      id: expect.stringMatching(UUID),
      projectId,
      name: 'app',
      permissions: ['calling', 'storage'],
      createdAt: expect.stringMatching(TIME),
    })
    const { token: _second, ...other } = await cli.json<Token>('token', 'create', '--permission', 'calling', 'voice')
    expect(other).toMatchObject({ name: 'token', permissions: ['calling'] })
    expect(await cli.json('token', 'list')).toEqual([shown, other])

    for (const name of readdirSync(cli.dataDir).filter((each) => each.startsWith('catalogue')))
      expect(readFileSync(join(cli.dataDir, name)).includes(secret)).toBe(false)

    expect(await cli.json('token', 'revoke', made.id)).toEqual({ revoked: made.id })
    expect(await cli.json('token', 'list')).toEqual([other])
    expect(await cli.refused(3, 'token', 'revoke', made.id)).toBe(`There is no token ${made.id} in this project.`)
  })

  it('is shown to people as a table and, once, its secret', async () => {
    const cli = folders.cli()
    await cli.json('project', 'create')
    const created = await cli.run('token', 'create', '--permission', 'storage', '--permission', 'voice')
    expect([created.code, created.stderr]).toEqual([0, ''])
    const [head, row, gap, secret, ...end] = created.stdout.split('\n')
    expect(head).toMatch(/^id {36}name {3}created {19}permissions$/)
    expect(row).toMatch(/^[0-9a-f-]{36} {2}token {2}\S{24} {2}storage calling$/)
    expect([gap, ...end]).toEqual(['', ''])
    expect(secret).toMatch(/^token {2}PT[0-9a-f]{48}$/)
    expect((await cli.run('token', 'list')).stdout).toBe(`${head}\n${row}\n`)
    const id = row?.slice(0, 36) ?? ''
    expect(await cli.run('token', 'revoke', id)).toEqual({ code: 0, stdout: `revoked ${id}\n`, stderr: '' })
  })

  it('has every permission with all', async () => {
    const cli = folders.cli()
    await cli.json('project', 'create')
    const { permissions } = await cli.json<{ permissions: string[] }>('token', 'create', '--permission', 'all')
    const names = ['calling', 'chat', 'datasphere', 'fax', 'management', 'messaging', 'numbers', 'pubsub', 'storage']
    expect(permissions).toEqual([...names, 'tasking', 'video'])
  })

  it('is refused with wrong arguments, in one clear line', async () => {
    const cli = folders.cli()
    const create = ['token', 'create', '--permission', 'storage']
    expect(await cli.refused(2, ...create)).toBe('There is no project yet.')
    await cli.json('project', 'create')
    expect(await cli.refused(2, 'token', 'create')).toBe("required option '--permission <name...>' not specified")
    expect(await cli.refused(2, ...create, 'Calling')).toMatch(
      /^--permission must be one of calling, .*, voice or all, not Calling\.$/,
    )
    expect(await cli.refused(2, ...create, '--project', 'x')).toBe('--project must be a UUID, not x.')
    const nobody = randomUUID()
    expect(await cli.refused(3, ...create, '--project', nobody)).toBe(`There is no project ${nobody}.`)
    expect(await cli.refused(2, 'token', 'revoke', 'x')).toBe('id must be a UUID, not x.')
    expect(await cli.json('token', 'list')).toEqual([])
  })

  it('belongs to the project that --project names, which several need', async () => {
    const cli = folders.cli()
    const [a, b] = [await cli.json<Project>('project', 'create'), await cli.json<Project>('project', 'create')]
    expect(await cli.refused(2, 'token', 'create', '--permission', 'all')).toBe(
      'There are several projects; say which with --project <id>.',
    )
    const create = ['token', 'create', '--permission', 'fax', '--project', a.id.toUpperCase()]
    const { id } = await cli.json<Token>(...create)
    expect(await cli.json('token', 'list', '--project', a.id)).toHaveLength(1)
    expect(await cli.json('token', 'list', '--project', b.id)).toEqual([])
    expect(await cli.refused(3, 'token', 'revoke', id, '--project', b.id)).toContain(id)
    await cli.json('project', 'delete', a.id)
    expect(await cli.json('token', 'list')).toEqual([])
  })
})

describe('help', () => {
  it('is there for the program and for every command, and is no error', async () => {
    const cli = folders.cli()
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(await cli.run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    const whole = await cli.run('--help')
    expect([whole.code, whole.stderr]).toEqual([0, ''])
    for (const name of ['serve', 'demo', 'project', 'token', 'recording', 'verify', 'doctor'])
      expect(whole.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    const create = await cli.run('token', 'create', '--help')
    expect([create.code, create.stderr]).toEqual([0, ''])
    for (const flag of ['--permission', '--name', '--project', '--data-dir', '--json'])
      expect(create.stdout).toContain(`${flag} `)
  })

  it('is what no command gets, as a wrong argument', async () => {
    const { code, stdout, stderr } = await folders.cli().run()
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Usage: poulsen')
  })
})
