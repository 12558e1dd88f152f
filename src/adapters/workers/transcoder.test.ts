import { afterEach, describe, expect, it } from 'vitest'
import type { Transcoder } from '../../ports/transcoder.ts'
import { openTranscoder } from './transcoder.ts'

const entry = new URL('../../../test/fakes/toy-transcode-worker.ts', import.meta.url)
const opened: Transcoder[] = []
afterEach(() => Promise.all(opened.splice(0).map((transcoder) => transcoder.close())))

const aTranscoder = (workers = 1, queueMax = 10) => {
  const transcoder = openTranscoder({ entry, workers, queueMax })
  opened.push(transcoder)
  return transcoder
}

const runWord = async (transcoder: Transcoder, word: string): Promise<string> => {
  async function* source() {
    yield Buffer.from(word)
  }
  let output = ''
  const append = async (bytes: Uint8Array) => {
    output += Buffer.from(bytes).toString()
  }
  const { header } = await transcoder.transcode({ from: 'wav', to: 'mp3', source: source(), append })
  return `${output} ${header && Buffer.from(header)}`
}

describe('a job', () => {
  it('gives its output and its header', async () => {
    expect(await runWord(aTranscoder(), 'echo 1')).toBe('echo 1 HEAD')
  })

  it.each([
    ['crash', 'its worker broke'],
    ['exit', 'its worker ended'],
    ['fail', 'no frames'],
  ])('whose worker does %s fails, and the next one works', async (word, why) => {
    const transcoder = aTranscoder()
    const failed = { code: 'TRANSCODE_FAILED', kind: 'corrupt', message: expect.stringContaining(why) }
    await expect(runWord(transcoder, word)).rejects.toMatchObject(failed)
    expect(await runWord(transcoder, 'echo 2')).toBe('echo 2 HEAD')
  })

  it('rejects with what its source or its sink threw, and the next one works', async () => {
    const transcoder = aTranscoder()
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* []
      throw new Error('the source is gone')
    }
    const append = async () => {
      throw new Error('the sink is full')
    }
    const request = { from: 'wav', to: 'mp3' } as const
    await expect(transcoder.transcode({ ...request, source: broken(), append })).rejects.toThrow('the source is gone')
    const fine = (async function* () {
      yield Buffer.from('echo')
    })()
    await expect(transcoder.transcode({ ...request, source: fine, append })).rejects.toThrow('the sink is full')
    expect(await runWord(transcoder, 'echo 3')).toBe('echo 3 HEAD')
  })
})

describe('the queue', () => {
  it('makes jobs wait for a worker, refuses one too many, and loses none that it took', async () => {
    const transcoder = aTranscoder(2, 3)
    const taken = [1, 2, 3, 4, 5].map((number) => runWord(transcoder, `echo ${number}`))
    await expect(runWord(transcoder, 'echo 6')).rejects.toMatchObject({ code: 'TRANSCODER_BUSY', retryable: true })
    expect(await Promise.all(taken)).toEqual([1, 2, 3, 4, 5].map((number) => `echo ${number} HEAD`))
  })

  it('goes on behind a job that crashed', async () => {
    const transcoder = aTranscoder(1)
    const jobs = ['crash', 'echo 1', 'exit', 'echo 2'].map((word) => runWord(transcoder, word))
    const outcomes = await Promise.allSettled(jobs)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
  })

  it('ends what runs and what waits when it is closed', async () => {
    const transcoder = aTranscoder(1)
    const jobs = ['hang', 'echo 1', 'echo 2'].map((word) => runWord(transcoder, word))
    const outcomes = Promise.allSettled(jobs)
    await transcoder.close()
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  })

  it('takes nothing once it is closed', async () => {
    const transcoder = aTranscoder()
    await transcoder.close()
    await expect(runWord(transcoder, 'echo')).rejects.toMatchObject({ code: 'TRANSCODER_BUSY' })
  })
})
