import { type ChildProcess, spawn } from 'node:child_process'
import { requireProgram } from '../../acceptance/support/debian.ts'
import { waitFor } from '../../support/wait-for.ts'

const LISTENING = /listening on .*:(\d+)/

/** A relay of OpenSSL between a peer that speaks TCP and a TLS listener on loopback. */
export interface TlsRelay {
  /** Where it takes TCP connections. */
  readonly port: number
  close(): void
}

/** Starts one with socat, which is installed when it is not there; resolves when it listens. The certificate of the listener is checked against `caPath`. */
export const openTlsRelay = async (tlsPort: number, caPath: string): Promise<TlsRelay> => {
  const socat = requireProgram('/usr/bin/socat', 'socat')
  const child: ChildProcess = spawn(
    socat,
    [
      '-d',
      '-d',
      'TCP-LISTEN:0,bind=127.0.0.1,fork',
      `OPENSSL:127.0.0.1:${tlsPort},cafile=${caPath},commonname=poulsen`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let printed = ''
  child.stderr?.on('data', (text: Buffer) => {
    printed += text
  })
  const port = await waitFor(() => LISTENING.exec(printed)?.[1])
  return { port: Number(port), close: () => void child.kill() }
}
