import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireProgram } from '../../acceptance/support/debian.ts'
import { waitFor } from '../../support/wait-for.ts'

const LOOPBACK = '127.0.0.1'
/** Below those that the system gives away, and ours. */
const PORTS = ['--port-min=25000', '--port-max=25999']
const OFTEN_MS = 200

/** What rtpengine says to a command of its control protocol. */
export interface EngineReply {
  readonly result: string
  readonly sdp?: string
  readonly 'to-tag'?: string
  /** Of a subscription: which label each side of the call has in the offer. */
  readonly 'tag-medias'?: readonly { readonly tag: string; readonly medias: readonly { readonly label: string }[] }[]
}

/** A media relay that forks calls to a recording server: the real rtpengine of Debian, without its kernel module, over its control protocol in JSON. */
export class RtpEngine {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #socket: Socket
  readonly #port: number

  private constructor(parts: { child: ChildProcess; folder: string; socket: Socket; port: number }) {
    this.#child = parts.child
    this.#folder = parts.folder
    this.#socket = parts.socket
    this.#port = parts.port
  }

  /** Starts one that takes commands at this port; resolves when it does. Installs it when it is not there. */
  static async start(port: number): Promise<RtpEngine> {
    const program = requireProgram('/usr/bin/rtpengine', 'rtpengine-daemon')
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-rtpengine-'))
    const control = [`--interface=${LOOPBACK}`, `--listen-ng=${LOOPBACK}:${port}`, ...PORTS]
    const apart = ['--table=-1', '--config-file=none', '--foreground', `--pidfile=${join(folder, 'pid')}`]
    const child = spawn(program, [...control, ...apart], { stdio: 'ignore' })
    const socket = createSocket('udp4')
    socket.bind(0, LOOPBACK)
    await once(socket, 'listening')
    const engine = new RtpEngine({ child, folder, socket, port })
    await waitFor(async () =>
      (await engine.#ask({ command: 'ping' }, OFTEN_MS))?.result === 'pong' ? true : undefined,
    )
    return engine
  }

  /** Commands it; resolves with what it says. Throws when that is an error. */
  async ask(command: Readonly<Record<string, unknown>>): Promise<EngineReply> {
    const reply = await this.#ask(command, 5000)
    if (reply?.result !== 'ok') throw new Error(`rtpengine: ${JSON.stringify(reply)}`)
    return reply
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill()
    await gone
    this.#socket.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #ask(command: object, deadlineMs: number): Promise<EngineReply | undefined> {
    const cookie = randomUUID()
    const answered = Promise.withResolvers<EngineReply | undefined>()
    const take = (bytes: Buffer) => {
      const text = bytes.toString('utf8')
      if (text.startsWith(`${cookie} `)) answered.resolve(JSON.parse(text.slice(cookie.length + 1)) as EngineReply)
    }
    this.#socket.on('message', take)
    this.#socket.send(`${cookie} ${JSON.stringify(command)}`, this.#port, LOOPBACK)
    const timer = setTimeout(() => answered.resolve(undefined), deadlineMs)
    const reply = await answered.promise
    clearTimeout(timer)
    this.#socket.off('message', take)
    return reply
  }
}
