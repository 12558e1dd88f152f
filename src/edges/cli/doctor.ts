import type { Command } from 'commander'
import type { Services } from '../../services/services.ts'
import { type CommonFlags, type Context, print, withCommonFlags, withServices } from './context.ts'
import { checkCall } from './doctor-call.ts'
import { checkSession } from './doctor-session.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { attempt, describe, type Finding } from './finding.ts'
import { formatBytes, formatTable } from './terminal.ts'

const NODE_MAJOR_MIN = 24
const FREE_WARN_BYTES = 5e9
const FREE_FAIL_BYTES = 100e6
/** Before this program existed no clock can be right. */
const CLOCK_MIN_MS = Date.UTC(2026, 0, 1)

interface DoctorFlags extends CommonFlags {
  /** True without a URI. */
  readonly call?: string | true
  readonly siprec?: string | true
}

/** `doctor`: looks at the machine, the data folder and what is in it, and with `--call` or `--siprec` at a running server. */
export const addDoctor = (program: Command, context: Context): void => {
  const doctor = program.command('doctor').description('look for what is wrong; exit code 1 when something is')
  doctor.option('--call [sip-uri]', 'place a call to a running server as well (default: the first of SIP_LISTEN)')
  doctor.option('--siprec [sip-uri]', 'record a SIPREC session of two voices with a running server as well')
  withCommonFlags(doctor).action(async (flags: DoctorFlags) => {
    const findings = [
      checkNode(),
      checkClock(),
      ...(await checkServices(context, flags)),
      ...(flags.call === undefined ? [] : await checkCall(context, flags, flags.call)),
      ...(flags.siprec === undefined ? [] : await checkSession(context, flags, flags.siprec)),
    ]
    if (findings.some(({ verdict }) => verdict === 'fail')) context.exitWith(EXIT_FOUND_WRONG)
    print(context, flags, findings, () =>
      formatTable(
        ['', 'what', 'says'],
        findings.map(({ verdict, what, says }) => [verdict, what, says]),
      ),
    )
  })
}

const checkNode = (): Finding => {
  const isEnough = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN
  return {
    what: 'node',
    verdict: isEnough ? 'ok' : 'fail',
    says: `${process.version}; needs ${NODE_MAJOR_MIN} or newer`,
  }
}

const checkClock = (): Finding => {
  const now = new Date()
  const isPlausible = now.getTime() > CLOCK_MIN_MS
  return { what: 'clock', verdict: isPlausible ? 'ok' : 'fail', says: now.toISOString() }
}

const checkServices = async (context: Context, flags: CommonFlags): Promise<readonly Finding[]> => {
  try {
    const look = async (services: Services): Promise<readonly Finding[]> => [
      await attempt('catalogue', async () => {
        await services.catalogue.check()
        return `opens; ${(await services.projects.list()).length} projects`
      }),
      await attempt('media', async () => {
        await services.mediaStore.check()
        return 'takes writes and fsyncs them'
      }),
      await checkSpace(services),
    ]
    return await withServices(context, flags, look, { creates: true })
  } catch (error) {
    return [{ what: 'data folder', verdict: 'fail', says: describe(error) }]
  }
}

const checkSpace = async ({ mediaStore }: Services): Promise<Finding> => {
  const free = await mediaStore.freeBytes()
  if (free === undefined) return { what: 'space', verdict: 'ok', says: 'unlimited' }
  const verdict = free < FREE_FAIL_BYTES ? 'fail' : free < FREE_WARN_BYTES ? 'warn' : 'ok'
  return { what: 'space', verdict, says: `${formatBytes(free)} free` }
}
