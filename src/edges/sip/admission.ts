import type { Project } from '../../domain/project.ts'
import type { Trunk } from '../../domain/trunk.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { SipTelemetry } from '../../ports/sip-telemetry.ts'
import type { SipRequest } from '../../protocol/sip/message.ts'
import { Authentication } from './authentication.ts'
import type { SipFlow } from './flow.ts'
import { type Sender, type TrunkMatch, TrunkTable } from './match-trunk.ts'
import type { Reply } from './reply.ts'
import type { Timers } from './timers.ts'

/** Where trunks come from; cheap to ask, for every request. Rejects as the catalogue does. */
export interface TrunkSource {
  list(): Promise<readonly Trunk[]>
  findProject(id: Uuid): Promise<Project | undefined>
}

const FORBIDDEN: Reply = { status: 403 }

const senderOf = ({ remote, peerCertificate }: SipFlow): Sender => ({
  address: remote.address,
  certificate: peerCertificate,
})

/** Decides whose a call is. */
export class Admission {
  readonly #source: TrunkSource
  readonly #telemetry: SipTelemetry
  readonly #authentication: Authentication
  #trunks: readonly Trunk[] = []
  #table = new TrunkTable([])

  constructor(options: { readonly source: TrunkSource; readonly telemetry: SipTelemetry; readonly timers: Timers }) {
    this.#source = options.source
    this.#telemetry = options.telemetry
    this.#authentication = new Authentication(options.timers)
  }

  /** The trunk and project that an INVITE belongs to, else its answer: 403 for strangers, 401 for who has to prove itself. */
  async admit(
    request: SipRequest,
    flow: SipFlow,
  ): Promise<{ readonly trunk: Trunk; readonly project: Project } | Reply> {
    const table = await this.#current()
    const proof = this.#authentication.read(request)
    const match = table.match(senderOf(flow), (credentials) => proof.isProven(credentials))
    if (match.kind === 'challenge') {
      if (proof.isGiven && !proof.isStale) this.#telemetry.sipStranger('credentials')
      return proof.challenge()
    }
    const project = match.kind === 'trunk' ? await this.#source.findProject(match.trunk.projectId) : undefined
    if (match.kind === 'trunk' && project) return { trunk: match.trunk, project }
    this.#countStranger(match)
    return FORBIDDEN
  }

  /** True for senders that some trunk may call from, with their certificate where it wants one; passwords are not asked for. */
  async isKnown(flow: SipFlow): Promise<boolean> {
    const match = (await this.#current()).match(senderOf(flow), () => false)
    if (match.kind === 'trunk' || match.kind === 'challenge') return true
    this.#countStranger(match)
    return false
  }

  #countStranger({ kind }: TrunkMatch): void {
    this.#telemetry.sipStranger(kind === 'uncertified' ? 'credentials' : 'network')
  }

  /** Networks are read once for each list, not for each request. */
  async #current(): Promise<TrunkTable> {
    const trunks = await this.#source.list()
    if (trunks !== this.#trunks) {
      this.#trunks = trunks
      this.#table = new TrunkTable(trunks)
    }
    return this.#table
  }
}
