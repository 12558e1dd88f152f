import type { SipTelemetry } from '../../ports/sip-telemetry.ts'
import type { Calls } from './calls.ts'
import type { ClientRequests } from './client-requests.ts'
import type { Timers } from './timers.ts'

/** What all calls share. */
export interface CallSurroundings {
  readonly timers: Timers
  readonly telemetry: SipTelemetry
  readonly requests: ClientRequests
  readonly calls: Calls
}
