import { createHash, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aClock, ids } from '../../test/builders/services.ts'
import { aProject } from '../../test/builders/values.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { type NewTrunk, Trunks, type TrunkUpdate } from './trunks.ts'

let catalogue: MemoryCatalogue
let trunks: Trunks
let projectId: string
const clock = aClock()

beforeEach(async () => {
  catalogue = new MemoryCatalogue()
  trunks = new Trunks({ catalogue, clock, ids })
  const project = aProject()
  projectId = project.id
  await catalogue.createProject(project)
})

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex')
const create = (parts: Partial<NewTrunk> = {}) =>
  trunks.create({ projectId, name: 'a trunk', networks: ['::1'], ...parts })

describe('a trunk', () => {
  it('has defaults for what is not said, and is kept', async () => {
    const trunk = await create()
    expect(trunk).toEqual({
      id: expect.any(String),
      projectId,
      name: 'a trunk',
      legType: 'sip',
      networks: ['::1'],
      certificates: [],
      layout: 'stereo',
      requiresSecureMedia: false,
      keepsMetadata: true,
      codecs: [],
      createdAtMs: clock.nowMs(),
    })
    expect(await trunks.list(projectId)).toEqual([trunk])
    expect(await trunks.list(randomUUID())).toEqual([])
    expect(await trunks.list()).toEqual([trunk])
  })

  it('has networks and codecs in one spelling, each once, and hashes for a password', async () => {
    const trunk = await create({
      legType: 'pstn',
      networks: ['10.1.2.3/8', '10.0.0.0/8', '2001:DB8::/32'],
      username: 'desk',
      password: 'Zoë: "secret"',
      callMaxSeconds: 60,
      codecs: ['OPUS', 'pcmu', 'PCMU'],
    })
    const a1 = 'desk:poulsen:Zoë: "secret"'
    expect(trunk).toMatchObject({
      legType: 'pstn',
      networks: ['10.0.0.0/8', '2001:db8::/32'],
      credentials: { username: 'desk', ha1Sha256: hash('sha256', a1), ha1Md5: hash('md5', a1) },
      callMaxSeconds: 60,
      codecs: ['opus', 'PCMU'],
    })
    expect(JSON.stringify(await catalogue.findTrunk(trunk.id))).not.toContain('secret')
  })

  it('has certificates in one spelling, each once, and whatever is said of its sessions', async () => {
    const [one, two] = ['ab'.repeat(32), '0f'.repeat(32)]
    const spelt = `SHA256 Fingerprint=${one.toUpperCase().match(/../g)?.join(':')}`
    const said = { layout: 'separate', requiresSecureMedia: true, keepsMetadata: false } as const
    const trunk = await create({ networks: [], certificates: [spelt, `sha256:${two}`, one], ...said })
    expect(trunk).toMatchObject({ networks: [], certificates: [one, two], ...said })
    expect(await catalogue.findTrunk(trunk.id)).toEqual(trunk)
    const changes = { certificates: [`sha256:${two}`], layout: 'mono', requiresSecureMedia: false, keepsMetadata: true }
    expect(await trunks.update(trunk.id, changes)).toEqual({ ...trunk, ...changes, certificates: [two] })
    const networked = await trunks.update(trunk.id, { certificates: [], networks: ['::1'] })
    expect(networked).toMatchObject({ certificates: [], networks: ['::1'], layout: 'mono' })
  })

  it('does not repeat a whole file that was given for a certificate', async () => {
    const refusal = await create({ certificates: ['x'.repeat(10_000)] }).then(() => 'made', String)
    expect(refusal).toMatch(/certificates must not have x{80}\.$/)
  })

  it.each<[string, Partial<NewTrunk>, string]>([
    ['name', { name: ' ' }, '1 to 200 characters'],
    ['name', { name: 'two\nlines' }, '1 to 200 characters'],
    ['leg_type', { legType: 'webrtc' }, 'pstn or sip'],
    ['networks', { networks: ['10.0.0.0/33'] }, 'at most 64 IP addresses or networks'],
    ['networks', { networks: Array.from({ length: 65 }, (_, index) => `10.0.0.${index}`) }, 'at most 64'],
    ['networks', { networks: [] }, '0.0.0.0/0 and ::/0 are everybody'],
    ['certificates', { certificates: ['cert.pem'] }, 'openssl x509 -noout -fingerprint -sha256'],
    ['certificates', { certificates: ['ab'.repeat(20)] }, 'at most 16 SHA-256 fingerprints'],
    ['certificates', { certificates: Array.from({ length: 17 }, () => 'ab'.repeat(32)) }, 'at most 16'],
    ['layout', { layout: 'quad' }, 'stereo, mono, separate'],
    ['username', { username: 'a:b', password: 'c' }, 'printable ASCII'],
    ['username', { username: '', password: 'c' }, 'printable ASCII'],
    ['username', { password: 'c' }, 'together'],
    ['password', { username: 'a' }, 'together'],
    ['password', { username: 'a', password: '' }, '1 to 256'],
    ['call_max_seconds', { callMaxSeconds: 0 }, 'from 1 to 86400'],
    ['call_max_seconds', { callMaxSeconds: Number.NaN }, 'from 1 to 86400'],
    ['codecs', { codecs: ['GSM'] }, 'PCMU, PCMA, G722, L16, opus'],
  ])('with a wrong %s is refused: %o', async (attribute, parts, allowed) => {
    await expect(create(parts)).rejects.toMatchObject({
      code: 'TRUNK_INVALID',
      kind: 'invalid',
      message: expect.stringMatching(new RegExp(`^${attribute} `)),
      hint: expect.stringContaining(allowed),
      details: { attribute },
    })
    expect(await trunks.list()).toEqual([])
  })

  it('never shows a password that is refused', async () => {
    const refusal = await create({ username: 'a', password: 'hush\nhush' }).catch(String)
    expect(refusal).toContain('password')
    expect(refusal).not.toContain('hush')
  })

  it('may be open to everybody who says so, or to who knows a password or has a certificate', async () => {
    expect((await create({ networks: ['0.0.0.0/0', '::/0'] })).networks).toEqual(['0.0.0.0/0', '::/0'])
    expect((await create({ networks: [], username: 'a', password: 'b' })).networks).toEqual([])
    expect((await create({ networks: [], certificates: ['ab'.repeat(32)] })).networks).toEqual([])
  })

  it('has a username of its own, and a project that exists', async () => {
    const [first, second] = [await create({ username: 'a', password: 'b' }), await create()]
    const taken = { code: 'TRUNK_USERNAME_TAKEN', kind: 'conflict' }
    await expect(create({ username: 'a', password: 'c' })).rejects.toMatchObject(taken)
    await expect(trunks.update(second.id, { username: 'a', password: 'c' })).rejects.toMatchObject(taken)
    await expect(create({ projectId: randomUUID() })).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
    expect(await trunks.list()).toEqual(expect.arrayContaining([first, second]))
  })

  it('is changed in what is said, and loses what is taken away', async () => {
    const trunk = await create()
    const changed = await trunks.update(trunk.id, {
      name: 'other',
      legType: 'pstn',
      networks: ['10.1.1.1/8'],
      username: 'a',
      password: 'b',
      callMaxSeconds: 5,
      codecs: ['pcma'],
    })
    expect(changed).toEqual({
      ...trunk,
      name: 'other',
      legType: 'pstn',
      networks: ['10.0.0.0/8'],
      credentials: { username: 'a', ha1Sha256: hash('sha256', 'a:poulsen:b'), ha1Md5: hash('md5', 'a:poulsen:b') },
      callMaxSeconds: 5,
      codecs: ['PCMA'],
    })
    const { credentials } = await trunks.update(trunk.id, { password: 'c' })
    expect(credentials).toMatchObject({ username: 'a', ha1Md5: hash('md5', 'a:poulsen:c') })
    const { credentials: _old, callMaxSeconds: _none, ...bare } = changed
    expect(await trunks.update(trunk.id, { username: null, callMaxSeconds: null, codecs: [] })).toEqual({
      ...bare,
      codecs: [],
    })
    expect(await trunks.update(trunk.id, {})).toEqual({ ...bare, codecs: [] })
  })

  it.each<[TrunkUpdate, string]>([
    [{ networks: [] }, 'networks'],
    [{ networks: [], username: null }, 'networks'],
    [{ networks: [], certificates: [] }, 'networks'],
    [{ certificates: ['ab'] }, 'certificates'],
    [{ layout: '' }, 'layout'],
    [{ username: 'b' }, 'password'],
    [{ password: 'b' }, 'username'],
    [{ legType: 'webrtc' }, 'leg_type'],
    [{ callMaxSeconds: 1.5 }, 'call_max_seconds'],
  ])('refuses the change %o', async (update, attribute) => {
    const trunk = await create()
    await expect(trunks.update(trunk.id, update)).rejects.toMatchObject({
      code: 'TRUNK_INVALID',
      details: { attribute },
    })
    expect(await trunks.list()).toEqual([trunk])
  })

  it('that does not exist is neither changed nor deleted', async () => {
    const trunk = await create()
    await trunks.delete(trunk.id)
    const absent = { code: 'TRUNK_NOT_FOUND', kind: 'not-found' }
    await expect(trunks.delete(trunk.id)).rejects.toMatchObject(absent)
    await expect(trunks.update(trunk.id, { name: 'x' })).rejects.toMatchObject(absent)
    expect(await trunks.list()).toEqual([])
  })
})
