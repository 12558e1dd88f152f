import { waitFor } from '../../support/wait-for.ts'
import { LiveServer, type WireDetails } from './live-server.ts'

/** A real server that browsers publish to, on loopback. */
export class WhipServer extends LiveServer {
  constructor(environment: Readonly<Record<string, string>> = {}) {
    super({ POULSEN_WEBRTC_LISTEN: '127.0.0.1:0', POULSEN_SIP_LISTEN: 'none', ...environment })
  }

  /** Where an endpoint is published to. */
  endpoint(name = 'support'): string {
    return new URL(`/whip/${name}`, this.server.url).href
  }

  /** A token that publishes once; what the API says of it. */
  async publishToken(body: object): Promise<{ readonly token: string; readonly url: string }> {
    const response = await fetch(new URL('/v1/whip/tokens', this.server.url), {
      method: 'POST',
      headers: { authorization: this.credentials.authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as { token: string; url: string }
  }

  /** The one recording that there is, when it is final. */
  async onlyFinal(deadlineMs = 15_000): Promise<WireDetails> {
    const found = await waitFor(async () => {
      const [recording, ...others] = await this.list()
      if (others.length > 0) throw new Error('more than one recording')
      return recording && recording.status !== 'recording' ? recording : undefined
    }, deadlineMs)
    return this.details(found.id)
  }

  /** Deletes what there is, so that the next test begins with nothing. */
  async clear(): Promise<void> {
    for (const { id } of await this.list()) await this.remove(id)
  }
}
