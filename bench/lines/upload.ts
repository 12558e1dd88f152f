import { Agent, request } from 'node:http'
import { compare, type Line } from '../line.ts'
import { install } from '../poulsen.ts'
import { startSubject, temporaryFolder } from '../processes.ts'
import { makeWav } from '../wav.ts'

const ROUNDS = 5
const UPLOADS = 300
const CONCURRENT = 8
const MINUTE_BYTES = 960_000

/** Upload of a one-minute WAV: ours, with format, hash, row and every fsync, against receive, write, fsync, rename. */
export const measureUploads = async (): Promise<readonly Line[]> => {
  const installation = install()
  await using server = await installation.start()
  await using bare = await startSubject(['bench/bare-upload.ts'], { FOLDER: temporaryFolder() })
  const wav = makeWav(MINUTE_BYTES)
  return [
    await compare({
      work: `upload of a 1-minute WAV, ${CONCURRENT} at once, durable`,
      against: 'bare handler: receive, write, fsync, rename',
      targetRatio: 0.7,
      rounds: ROUNDS,
      unit: 'uploads/s',
      ours: () => uploadsPerSecond(`${server.url}/v1/recordings`, wav, { authorization: installation.authorization }),
      reference: () => uploadsPerSecond(bare.url, wav, {}),
    }),
  ]
}

const uploadsPerSecond = async (url: string, wav: Buffer, headers: Record<string, string>): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT })
  let left = UPLOADS
  const worker = async () => {
    while (left-- > 0) await post(url, wav, headers, agent)
  }
  const begunMs = performance.now()
  await Promise.all(Array.from({ length: CONCURRENT }, worker))
  agent.destroy()
  return UPLOADS / ((performance.now() - begunMs) / 1000)
}

const post = (url: string, wav: Buffer, headers: Record<string, string>, agent: Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    const head = { ...headers, 'content-type': 'audio/wav', 'content-length': wav.length }
    const sent = request(url, { method: 'POST', agent, headers: head }, (response) => {
      response.resume()
      response.once('end', () =>
        response.statusCode === 201 ? resolve() : reject(new Error(`upload: ${response.statusCode}`)),
      )
    })
    sent.once('error', reject)
    sent.end(wav)
  })
