import { randomUUID } from 'node:crypto'
import type { Project } from '../../src/domain/project.ts'
import type { Trunk } from '../../src/domain/trunk.ts'
import type { SipProtocol } from '../../src/edges/sip/flow.ts'
import { SIP_LIMITS, SipCore, type SipLimits } from '../../src/edges/sip/sip-server.ts'
import type { SipCallReport, SipTelemetry } from '../../src/ports/sip-telemetry.ts'
import { FakeCallRecorder } from '../fakes/fake-call-recorder.ts'
import { FakeTimers } from '../fakes/fake-timers.ts'
import { MemoryFlow, MemoryTransports, PeerCall } from '../fakes/sip-peer.ts'
import { aProject } from './values.ts'

/** Where the peers of these tests call from. */
export const PEER_ADDRESS = '192.0.2.10'

/** A trunk that takes {@link PEER_ADDRESS}. */
export const aTrunk = (projectId: string, parts: Partial<Trunk> = {}): Trunk => ({
  id: randomUUID(),
  projectId,
  name: 'a trunk',
  legType: 'sip',
  networks: [PEER_ADDRESS],
  certificates: [],
  layout: 'stereo',
  requiresSecureMedia: false,
  keepsMetadata: true,
  codecs: [],
  createdAtMs: 1_760_000_000_000,
  ...parts,
})

/** Notes what it hears. */
export class NotedSipTelemetry implements SipTelemetry {
  readonly answers: string[] = []
  readonly reports: SipCallReport[] = []
  readonly strangers: string[] = []
  calls = 0
  callsMax = 0

  sipRequestAnswered(method: string, status: number): void {
    this.answers.push(`${method} ${status}`)
  }

  sipCallEnded(report: SipCallReport): void {
    this.reports.push(report)
  }

  sipCallsChanged(calls: number): void {
    this.calls = calls
    this.callsMax = Math.max(this.callsMax, calls)
  }

  sipStranger(kind: string): void {
    this.strangers.push(kind)
  }
}

/** Trunks of one moment. */
export const trunkSource = (trunks: readonly Trunk[], projects: readonly Project[]) => ({
  list: async () => trunks,
  findProject: async (id: string) => projects.find((project) => project.id === id),
})

/** A server in memory with one project and one trunk, unless told otherwise. */
export const aSipCore = (parts: { readonly trunk?: Partial<Trunk>; readonly limits?: Partial<SipLimits> } = {}) => {
  const project = aProject()
  const trunk = aTrunk(project.id, parts.trunk)
  const timers = new FakeTimers()
  const recorder = new FakeCallRecorder()
  const telemetry = new NotedSipTelemetry()
  const transports = new MemoryTransports()
  const core = new SipCore({
    timers,
    recorder,
    telemetry,
    transports,
    trunks: trunkSource([trunk], [project]),
    limits: { ...SIP_LIMITS, ...parts.limits },
  })
  const flowOf = (protocol: SipProtocol = 'UDP', address = PEER_ADDRESS, port = 5070) =>
    new MemoryFlow(protocol, { address, port })
  const aCall = (flow = flowOf(), callId?: string) => new PeerCall(core, flow, callId)
  return { core, project, trunk, timers, recorder, telemetry, transports, flowOf, aCall }
}

/** A call that has been answered and acknowledged. */
export const aRunningCall = async (
  server: ReturnType<typeof aSipCore>,
  parts: Parameters<PeerCall['invite']>[0] = {},
  flow = server.flowOf(),
): Promise<PeerCall> => {
  const call = server.aCall(flow)
  call.invite(parts)
  await server.timers.advance(0)
  call.learn()
  call.ack()
  return call
}
