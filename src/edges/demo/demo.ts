import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServerProcess } from './server-process.ts'
import { type Ask, asking, type Tell, walkTheApi } from './walk.ts'

/** What the demo runs and where it prints. */
export interface DemoOptions {
  /** Path of the program's own entry. */
  readonly main: string
  /** Path of a recorded call. */
  readonly call: string
  readonly print: (line: string) => void
  /** After the walk the server runs on until SIGINT or SIGTERM, for its page. */
  readonly stays: boolean
}

/**
 * Starts a server on a temporary folder, puts a spoken recording in, walks the API, places a live call and begins a SIPREC session, proves their recordings,
 * checks every answer, and leaves nothing behind.
 * Rejects at the first wrong answer.
 */
export const runDemo = async ({ main, call, print, stays }: DemoOptions): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'poulsen-demo-'))
  const projectId = randomUUID()
  const token = `PT${randomBytes(24).toString('hex')}`
  try {
    const server = await startServerProcess(main, {
      POULSEN_DATA_DIR: dataDir,
      POULSEN_PORT: '0',
      POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0',
      // Firefox sends no media to a loopback address, also not on its own machine.
      POULSEN_WEBRTC_LISTEN: stays ? '0.0.0.0:0' : '127.0.0.1:0',
      POULSEN_WEBRTC_DEMO: 'on',
      POULSEN_LOG_LEVEL: 'warn',
      POULSEN_BOOTSTRAP_PROJECT_ID: projectId,
      POULSEN_BOOTSTRAP_TOKEN: token,
    })
    try {
      print(`A server on a temporary folder: ${server.url}`)
      const tell = (line: string) => print(`  ✓ ${line}`)
      const whom = { url: server.url, projectId, token }
      await walkTheApi({ ...whom, call: await readFile(call), tell })
      print(`Now a live call: ${server.sip}`)
      await walkLive({ target: `sip:${server.sip}`, ask: asking(whom), tell, print })
      print('Everything answered as it should.')
      if (stays) await stay(`${server.url}/whip/demo#project=${projectId}&token=${token}`, print)
      else print('`npm run demo -- --stay` offers a page that records your microphone.')
    } finally {
      await server.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

/**
 * Until Ctrl-C. A second signal, as npm may pass one on, changes nothing: the folder is to be removed first. What follows the # stays in the browser; no
 * log has it.
 */
const stay = async (page: string, print: DemoOptions['print']): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve())
  print(`Record your microphone, until Ctrl-C: ${page}`)
  await promise
}

/** A call, then a SIPREC session. */
const walkLive = async (live: {
  readonly target: string
  readonly ask: Ask
  readonly tell: Tell
  readonly print: DemoOptions['print']
}): Promise<void> => {
  // Loaded only here: the codecs of a call are much to load for every other command.
  const { CallGenerator } = await import('../../caller/place-call.ts')
  const { walkThroughACall } = await import('./live-call.ts')
  const { walkThroughASession } = await import('./live-session.ts')
  const generator = await CallGenerator.open({ target: live.target })
  try {
    await walkThroughACall({ ...live, generator })
    live.print('And what an SBC sends of a call of two, by SIPREC:')
    await walkThroughASession({ ...live, generator })
  } finally {
    generator.close()
  }
}
