import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type Cli, refusal, TIME, UUID, useFolders } from './support/cli.ts'

const folders = useFolders()

interface Trunk {
  readonly id: string
  readonly projectId: string
  readonly username?: string
}

/** What the catalogue has of a trunk's password. */
const hashesOf = (cli: Cli, id: string): unknown => {
  const database = new Database(join(cli.dataDir, 'catalogue.sqlite'), { readonly: true })
  try {
    return database.prepare('SELECT username, ha1_sha256, ha1_md5 FROM trunks WHERE id = ?').get(id)
  } finally {
    database.close()
  }
}

const hashes = (username: string, password: string) => {
  const a1 = `${username}:poulsen:${password}`
  const [ha1_sha256, ha1_md5] = ['sha256', 'md5'].map((name) => createHash(name).update(a1).digest('hex'))
  return { username, ha1_sha256, ha1_md5 }
}

const expectNowhere = ({ dataDir }: Cli, secret: string): void => {
  for (const name of readdirSync(dataDir).filter((each) => each.startsWith('catalogue')))
    expect(readFileSync(join(dataDir, name)).includes(secret), name).toBe(false)
}

const WRONG: readonly (readonly [args: readonly string[], line: string])[] = [
  [['create'], 'networks are missing, and so are credentials and certificates: anybody could send calls.'],
  [['create', '--network', '10.0.0.0/33'], 'networks must not have 10.0.0.0/33.'],
  [['create', '--network', '::1', '--leg-type', 'webrtc'], 'leg_type must not be webrtc.'],
  [['create', '--network', '::1', '--codec', 'GSM'], 'codecs must not have GSM.'],
  [['create', '--certificate', 'cert.pem'], 'certificates must not have cert.pem.'],
  [['create', '--network', '::1', '--layout', 'quad'], 'layout must not be quad.'],
  [['create', '--network', '::1', '--name', ' '], 'name is not the name of a trunk.'],
  [['create', '--username', 'a'], 'password is missing.'],
  [['create', '--password', 'a'], 'username is missing.'],
  [
    ['create', '--username', 'a', '--password', 'b', '--password-stdin'],
    '--password and --password-stdin exclude each other.',
  ],
  [['create', '--network', '::1', '--call-max-seconds', 'long'], '--call-max-seconds must be whole seconds, not long.'],
  [['create', '--network', '::1', '--call-max-seconds', '86401'], 'call_max_seconds must not be 86401.'],
  [['update', 'seven'], 'id must be a UUID, not seven.'],
  [['delete', 'seven'], 'id must be a UUID, not seven.'],
  [['delete'], "missing required argument 'id'"],
]

describe('trunk', () => {
  it('is created, listed, changed and deleted', async () => {
    const cli = await folders.cliWithProject()
    expect(await cli.json('trunk', 'list')).toEqual([])
    const first = await cli.json<Trunk>('trunk', 'create', '--network', '10.1.2.3/8', '--network', '2001:DB8::/32')
    expect(first).toEqual({
      id: expect.stringMatching(UUID),
      projectId: cli.projectId,
      name: 'trunk',
      legType: 'sip',
      networks: ['10.0.0.0/8', '2001:db8::/32'],
      certificates: [],
      layout: 'stereo',
      requiresSecureMedia: false,
      keepsMetadata: true,
      codecs: [],
      createdAt: expect.stringMatching(TIME),
    })
    const flags = ['--leg-type', 'pstn', '--codec', 'opus', 'pcmu', '--call-max-seconds', '3600', '--name', 'Zürich']
    const second = await cli.json<Trunk>('trunk', 'create', '--username', 'desk', '--password', 'hush-1', ...flags)
    const { createdAt: _when, ...rest } = second as Trunk & { createdAt: string }
    expect(rest).toEqual({
      id: expect.stringMatching(UUID),
      projectId: cli.projectId,
      name: 'Zürich',
      legType: 'pstn',
      networks: [],
      username: 'desk',
      certificates: [],
      layout: 'stereo',
      requiresSecureMedia: false,
      keepsMetadata: true,
      callMaxSeconds: 3600,
      codecs: ['opus', 'PCMU'],
    })
    expect(await cli.json('trunk', 'list')).toEqual([first, second])

    const changes = ['--network', '127.0.0.1', '--name', 'Bern', '--no-codec', '--no-call-max-seconds']
    const changed = await cli.json('trunk', 'update', second.id, ...changes)
    expect(changed).toEqual({
      id: second.id,
      projectId: cli.projectId,
      name: 'Bern',
      legType: 'pstn',
      networks: ['127.0.0.1'],
      username: 'desk',
      certificates: [],
      layout: 'stereo',
      requiresSecureMedia: false,
      keepsMetadata: true,
      codecs: [],
      createdAt: expect.stringMatching(TIME),
    })
    expect(await cli.json('trunk', 'update', second.id)).toEqual(changed)
    expect(await cli.json('trunk', 'list')).toEqual([first, changed])

    expect(await cli.json('trunk', 'delete', first.id)).toEqual({ deleted: first.id })
    expect(await cli.json('trunk', 'list')).toEqual([changed])
    expect(await cli.refused(3, 'trunk', 'delete', first.id)).toBe(`There is no trunk ${first.id}.`)
    expect(await cli.refused(3, 'trunk', 'update', first.id, '--name', 'x')).toBe(`There is no trunk ${first.id}.`)
  })

  it('is known by certificates, and says how its sessions are kept', async () => {
    const cli = await folders.cliWithProject()
    const [one, two] = ['ab'.repeat(32), '0f'.repeat(32)]
    const shown = `sha256 Fingerprint=${two.toUpperCase().match(/../g)?.join(':')}`
    const flags = ['--layout', 'separate', '--secure-media', '--no-keep-metadata']
    const made = await cli.json<Trunk>('trunk', 'create', '--certificate', `sha256:${one}`, shown, ...flags)
    const said = { layout: 'separate', requiresSecureMedia: true, keepsMetadata: false }
    expect(made).toMatchObject({ networks: [], certificates: [one, two], ...said })
    expect(await cli.json('trunk', 'update', made.id, '--name', 'src')).toEqual({ ...made, name: 'src' })
    const back = ['--layout', 'mono', '--no-secure-media', '--keep-metadata', '--network', '::1', '--no-certificate']
    expect(await cli.json('trunk', 'update', made.id, ...back)).toEqual({
      ...made,
      name: 'src',
      networks: ['::1'],
      certificates: [],
      layout: 'mono',
      requiresSecureMedia: false,
      keepsMetadata: true,
    })
    await cli.json('trunk', 'update', made.id, '--certificate', one, '--secure-media', '--no-keep-metadata')
    const { stdout } = await cli.run('trunk', 'list')
    expect(stdout).toMatch(/ {2}abababababab… {2}SRTP {3}mono {4}dropped {3}any /)
  })

  it('keeps hashes of its password, which is printed and stored nowhere', async () => {
    const cli = await folders.cliWithProject()
    const made = await cli.json<Trunk>('trunk', 'create', '--username', 'desk', '--password', 'hush-in-flag')
    expect(hashesOf(cli, made.id)).toEqual(hashes('desk', 'hush-in-flag'))
    const fed = await cli.runFed('hush-in-line\r\nrest\n', 'trunk', 'update', made.id, '--password-stdin')
    expect([fed.code, fed.stderr]).toEqual([0, ''])
    expect(hashesOf(cli, made.id)).toEqual(hashes('desk', 'hush-in-line'))
    const renamed = await cli.runFed('hush-at-end', 'trunk', 'update', made.id, '--username', 'b', '--password-stdin')
    expect(hashesOf(cli, made.id)).toEqual(hashes('b', 'hush-at-end'))
    const listed = await cli.run('trunk', 'list', '--json')
    expect(fed.stdout + renamed.stdout + listed.stdout).not.toMatch(/hush|[0-9a-f]{64}/)
    expectNowhere(cli, 'hush')
    const open = ['trunk', 'update', made.id, '--network', '::1', '--no-username']
    expect(await cli.json(...open)).toEqual({ ...made, username: undefined, networks: ['::1'] })
    expect(hashesOf(cli, made.id)).toEqual({ username: null, ha1_sha256: null, ha1_md5: null })
  })

  it('is shown to people as a table', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await cli.json<Trunk>('trunk', 'create', '--network', '::1', '--name', 'A', '--codec', 'G722')
    const { code, stdout, stderr } = await cli.run('trunk', 'list')
    expect([code, stderr]).toEqual([0, ''])
    const [head, row, ...end] = stdout.split('\n')
    expect(head).toMatch(
      /^id {36}name {2}leg {2}networks {2}username {2}certificates {2}media {2}layout {2}metadata {2}longest {2}codecs {2}project$/,
    )
    expect(row).toBe(
      `${id}  A     sip  ::1       none      none          any    stereo  kept      any      G722    ${cli.projectId}`,
    )
    expect(end).toEqual([''])
    expect(await cli.run('trunk', 'delete', id)).toEqual({ code: 0, stdout: `deleted ${id}\n`, stderr: '' })
  })

  it('belongs to the project that --project names, which several need', async () => {
    const cli = await folders.cliWithProject()
    const other = await cli.json<{ id: string }>('project', 'create')
    const create = ['trunk', 'create', '--network', '::1']
    expect(await cli.refused(2, ...create)).toBe('There are several projects; say which with --project <id>.')
    const made = await cli.json<Trunk>(...create, '--project', other.id)
    expect(made.projectId).toBe(other.id)
    expect(await cli.json('trunk', 'list')).toEqual([made])
    expect(await cli.json('trunk', 'list', '--project', cli.projectId)).toEqual([])
    expect(await cli.json('trunk', 'list', '--project', other.id)).toEqual([made])
    const nobody = randomUUID()
    expect(await cli.refused(3, 'trunk', 'list', '--project', nobody)).toBe(`There is no project ${nobody}.`)
    await cli.json('project', 'delete', other.id)
    expect(await cli.json('trunk', 'list')).toEqual([])
  })

  it('has a username of its own', async () => {
    const cli = await folders.cliWithProject()
    const create = ['trunk', 'create', '--username', 'desk', '--password', 'x']
    await cli.json(...create)
    expect(await cli.refused(4, ...create)).toBe('Another trunk has the username desk.')
  })

  it('is refused with wrong arguments, in one clear line', async () => {
    const cli = await folders.cliWithProject()
    for (const [args, line] of WRONG) expect(await cli.refused(2, 'trunk', ...args)).toBe(line)
    expect(await cli.json('trunk', 'list')).toEqual([])
  })

  it('is not left open to everybody by accident', async () => {
    const cli = await folders.cliWithProject()
    const { id } = await cli.json<Trunk>('trunk', 'create', '--network', '0.0.0.0/0')
    expect(await cli.refused(2, 'trunk', 'update', id, '--no-network')).toMatch(/anybody could send calls/)
    expect(await cli.refused(2, 'trunk', 'update', id, '--no-username', '--password', 'x')).toMatch(/--no-username/)
    expect(await cli.json('trunk', 'list')).toMatchObject([{ id, networks: ['0.0.0.0/0'] }])
  })

  it('takes no endless line for a password', async () => {
    const cli = await folders.cliWithProject()
    const args = ['trunk', 'create', '--username', 'a', '--password-stdin']
    const line = refusal(await cli.runFed('x'.repeat(100_000), ...args), 2, args)
    expect(line).toBe('The first line of the standard input is longer than 4096 bytes.')
  })
})
