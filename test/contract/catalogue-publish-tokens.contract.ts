import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MediaObject } from '../../src/domain/media-object.ts'
import type { PublishToken } from '../../src/domain/publish-token.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import { aGrowingRecording, aProject, aPublishToken, aRecording, someCallDetails } from '../builders/values.ts'

const NOW_MS = 1_760_000_000_000
const AT_ONCE = 20

/** A recording whose `url` gives a WAV. */
const withWav = (recording: Recording, wav: NonNullable<MediaObject['wav']>): Recording => {
  if (!recording.media) throw new Error('no media')
  return { ...recording, media: { ...recording.media, format: 'ogg', codec: 'opus', sampleRateHz: 48_000, wav } }
}

/** What src/ports/catalogue.ts says of tokens to publish with, and of what comes of them. */
export const describePublishTokens = (name: string, open: () => Promise<Catalogue>): void => {
  describe(`${name}: publishing`, () => {
    let catalogue: Catalogue
    beforeAll(async () => {
      catalogue = await open()
    })
    afterAll(() => catalogue.close())

    const withProject = async () => {
      const project = aProject()
      await catalogue.createProject(project)
      return project
    }
    const withToken = async (parts: Partial<PublishToken> = {}) => {
      const token = aPublishToken((await withProject()).id, parts)
      await catalogue.createPublishToken(token)
      return token
    }

    it('gives tokens back as they were created, in whichever project', async () => {
      const bare = await withToken()
      const full = await withToken({
        endpoint: 'a.B_9~-',
        legId: randomUUID(),
        metadata: { agent: 'Zoë "x"', '': '\n' },
        isUsed: true,
        expiresAtMs: 1,
      })
      expect(await catalogue.findPublishToken(bare.digest)).toEqual(bare)
      expect(await catalogue.findPublishToken(full.digest)).toEqual(full)
      expect(await catalogue.findPublishToken(aPublishToken(bare.projectId).digest)).toBeUndefined()
    })

    it('refuses a taken digest and an absent project', async () => {
      const token = await withToken()
      const other = aPublishToken((await withProject()).id, { digest: token.digest })
      await expect(catalogue.createPublishToken(other)).rejects.toMatchObject({ code: 'CATALOGUE_CONFLICT' })
      const stray = aPublishToken(randomUUID())
      await expect(catalogue.createPublishToken(stray)).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
      expect(await catalogue.findPublishToken(token.digest)).toEqual(token)
      expect(await catalogue.findPublishToken(stray.digest)).toBeUndefined()
    })

    it('uses a token once, and nothing else of it changes', async () => {
      const [token, other] = [await withToken({ metadata: { a: 'b' } }), await withToken()]
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(true)
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(false)
      expect(await catalogue.findPublishToken(token.digest)).toEqual({ ...token, isUsed: true })
      expect(await catalogue.findPublishToken(other.digest)).toEqual(other)
    })

    it('lets exactly one of many use a token', async () => {
      const token = await withToken()
      const tries = Array.from({ length: AT_ONCE }, () => catalogue.usePublishToken(token.digest, NOW_MS))
      expect((await Promise.all(tries)).filter((each) => each)).toEqual([true])
    })

    it('uses no token that has expired, is absent, or was made used', async () => {
      const expiring = await withToken({ expiresAtMs: NOW_MS })
      expect(await catalogue.usePublishToken(expiring.digest, NOW_MS)).toBe(false)
      expect(await catalogue.findPublishToken(expiring.digest)).toEqual(expiring)
      expect(await catalogue.usePublishToken(expiring.digest, NOW_MS - 1)).toBe(true)
      expect(await catalogue.usePublishToken((await withToken({ isUsed: true })).digest, NOW_MS)).toBe(false)
      expect(await catalogue.usePublishToken(aPublishToken(randomUUID()).digest, NOW_MS)).toBe(false)
    })

    it('frees a token that was used, so that it can be used once more, and changes nothing else', async () => {
      const [token, other] = [await withToken({ metadata: { a: 'b' } }), await withToken({ isUsed: true })]
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(true)
      await catalogue.freePublishToken(token.digest)
      expect(await catalogue.findPublishToken(token.digest)).toEqual(token)
      expect(await catalogue.findPublishToken(other.digest)).toEqual(other)
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(true)
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(false)
    })

    it('frees a token that is free, and one that is absent, without a change', async () => {
      const token = await withToken()
      const absent = aPublishToken(token.projectId)
      await catalogue.freePublishToken(token.digest)
      await catalogue.freePublishToken(absent.digest)
      expect(await catalogue.findPublishToken(token.digest)).toEqual(token)
      expect(await catalogue.findPublishToken(absent.digest)).toBeUndefined()
    })

    it('frees no token from its expiry', async () => {
      const token = await withToken({ expiresAtMs: NOW_MS, isUsed: true })
      await catalogue.freePublishToken(token.digest)
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(false)
    })

    it('removes tokens that expired by a time, used or not, and no other', async () => {
      const used = await withToken({ expiresAtMs: NOW_MS - 1, isUsed: true })
      const [last, next] = [await withToken({ expiresAtMs: NOW_MS }), await withToken({ expiresAtMs: NOW_MS + 1 })]
      await catalogue.deletePublishTokens(NOW_MS)
      const found = await Promise.all([used, last, next].map(({ digest }) => catalogue.findPublishToken(digest)))
      expect(found).toEqual([undefined, undefined, next])
      await catalogue.deletePublishTokens(NOW_MS)
      expect(await catalogue.findPublishToken(next.digest)).toEqual(next)
    })

    it('deletes tokens with their project, and those of no other', async () => {
      const [token, kept] = [await withToken(), await withToken()]
      await catalogue.deleteProject(token.projectId)
      expect(await catalogue.findPublishToken(token.digest)).toBeUndefined()
      expect(await catalogue.usePublishToken(token.digest, NOW_MS)).toBe(false)
      expect(await catalogue.findPublishToken(kept.digest)).toEqual(kept)
    })

    it('gives back what WAV a recording has, and what was said of its call', async () => {
      const { id: projectId } = await withProject()
      const ended = withWav(aRecording(projectId), { sampleRateHz: 24_000, byteSize: 48_044 })
      const growing = withWav(aGrowingRecording(projectId), { sampleRateHz: 48_000 })
      const details = someCallDetails({ metadata: { agent: 'Zoë' } })
      await catalogue.createRecording(ended, details)
      await catalogue.createRecording(growing)
      expect(await catalogue.findRecording(projectId, ended.id)).toEqual(ended)
      expect(await catalogue.findRecording(projectId, growing.id)).toEqual(growing)
      expect(await catalogue.findCallDetails(projectId, ended.id)).toEqual(details)
      expect((await catalogue.listRecordings(projectId, { limit: 2 })).items).toEqual(
        expect.arrayContaining([ended, growing]),
      )
    })

    it('settles a recording with the size of its WAV, and seals it', async () => {
      const { id: projectId } = await withProject()
      const growing = withWav(aGrowingRecording(projectId), { sampleRateHz: 48_000 })
      await catalogue.createRecording(growing)
      const media = {
        ...growing.media,
        byteSize: 5_000,
        durationMs: 1_000,
        wav: { sampleRateHz: 48_000, byteSize: 96_044 },
      }
      const settled = { ...growing, status: 'completed', durationMs: 1_000, media } as Recording
      await catalogue.settleRecording(settled)
      expect(await catalogue.findRecording(projectId, growing.id)).toEqual(settled)
      expect(await catalogue.sealRecording(projectId, growing.id, 'a'.repeat(64))).toBe(true)
      const sealed = { ...settled, media: { ...media, sha256: 'a'.repeat(64) } }
      expect(await catalogue.findRecording(projectId, growing.id)).toEqual(sealed)
      expect(await catalogue.deleteRecording(projectId, growing.id)).toEqual(sealed)
    })

    it('takes the WAV away from a recording that ended without audio', async () => {
      const { id: projectId } = await withProject()
      const growing = withWav(aGrowingRecording(projectId), { sampleRateHz: 48_000 })
      await catalogue.createRecording(growing)
      const { media: _none, ...silent } = { ...growing, status: 'no_input' as const }
      await catalogue.settleRecording(silent)
      expect(await catalogue.findRecording(projectId, growing.id)).toEqual(silent)
    })
  })
}
