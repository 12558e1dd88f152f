import type { Command } from 'commander'
import type { Trunk } from '../../domain/trunk.ts'
import type { TrunkUpdate } from '../../services/trunks.ts'
import {
  type CommonFlags,
  type Context,
  print,
  requireProject,
  requireUuid,
  usage,
  withCommonFlags,
  withServices,
} from './context.ts'
import { readSecret } from './read-secret.ts'
import { formatTable } from './terminal.ts'

/** `false` is what `--no-…` gives: take it away. */
interface TrunkFlags extends CommonFlags {
  readonly name?: string
  readonly legType?: string
  readonly network?: readonly string[] | false
  readonly username?: string | false
  readonly password?: string
  readonly passwordStdin?: boolean
  readonly certificate?: readonly string[] | false
  readonly layout?: string
  readonly secureMedia?: boolean
  readonly keepMetadata?: boolean
  readonly codec?: readonly string[] | false
  readonly callMaxSeconds?: string | false
}

/** A trunk as it is printed; its hashes never are: they open it as the password does. */
const show = ({ credentials, createdAtMs, ...trunk }: Trunk) => ({
  ...trunk,
  ...(credentials && { username: credentials.username }),
  createdAt: new Date(createdAtMs).toISOString(),
})

/** Enough of a fingerprint to tell it from others; `--json` has all of it. */
const FINGERPRINT_SHOWN = 12

const table = (trunks: readonly ReturnType<typeof show>[]): string =>
  formatTable(
    [
      'id',
      'name',
      'leg',
      'networks',
      'username',
      'certificates',
      'media',
      'layout',
      'metadata',
      'longest',
      'codecs',
      'project',
    ],
    trunks.map((trunk) => [
      trunk.id,
      trunk.name,
      trunk.legType,
      trunk.networks.join(' ') || 'any',
      trunk.username ?? 'none',
      trunk.certificates.map((each) => `${each.slice(0, FINGERPRINT_SHOWN)}…`).join(' ') || 'none',
      trunk.requiresSecureMedia ? 'SRTP' : 'any',
      trunk.layout,
      trunk.keepsMetadata ? 'kept' : 'dropped',
      trunk.callMaxSeconds === undefined ? 'any' : `${trunk.callMaxSeconds} s`,
      trunk.codecs.join(' ') || 'all',
      trunk.projectId,
    ]),
  )

const parseSeconds = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usage(`--call-max-seconds must be whole seconds, not ${text}.`)
}

const passwordOf = async (flags: TrunkFlags, context: Context): Promise<string | undefined> => {
  if (!flags.passwordStdin) return flags.password
  if (flags.password !== undefined) throw usage('--password and --password-stdin exclude each other.')
  return await readSecret(context.openStdin())
}

/** What the flags say; whether it is allowed is for the service to say. */
const updateOf = async (flags: TrunkFlags, context: Context): Promise<TrunkUpdate> => {
  const { name, legType, network, username, certificate, layout, codec, callMaxSeconds } = flags
  const password = await passwordOf(flags, context)
  if (username === false && password !== undefined) throw usage('--no-username takes the password away, too.')
  return {
    ...(name !== undefined && { name }),
    ...(legType !== undefined && { legType }),
    ...(network !== undefined && { networks: network || [] }),
    ...(username !== undefined && { username: username === false ? null : username }),
    ...(password !== undefined && { password }),
    ...(certificate !== undefined && { certificates: certificate || [] }),
    ...(layout !== undefined && { layout }),
    ...(flags.secureMedia !== undefined && { requiresSecureMedia: flags.secureMedia }),
    ...(flags.keepMetadata !== undefined && { keepsMetadata: flags.keepMetadata }),
    ...(codec !== undefined && { codecs: codec || [] }),
    ...(callMaxSeconds !== undefined && {
      callMaxSeconds: callMaxSeconds === false ? null : parseSeconds(callMaxSeconds),
    }),
  }
}

const withTrunkFlags = (command: Command): Command =>
  withCommonFlags(command)
    .option('--name <name>', 'what people call it')
    .option('--leg-type <type>', 'pstn or sip: what its calls are')
    .option('--network <network...>', 'IP address or network that its calls come from; repeatable')
    .option('--username <name>', 'user name of its Digest')
    .option('--password <text>', 'password of its Digest; others on this machine may see it')
    .option('--password-stdin', 'read the password from the first line of the standard input')
    .option('--certificate <fingerprint...>', 'SHA-256 fingerprint of its TLS client certificate; repeatable')
    .option('--layout <layout>', 'stereo, mono or separate: how sessions of several streams are stored')
    .option('--secure-media', 'take no media but SRTP')
    .option('--no-secure-media', 'take SRTP when it is offered, else RTP')
    .option('--keep-metadata', 'keep what session recording clients tell of their sessions')
    .option('--no-keep-metadata', 'do not keep it')
    .option('--codec <name...>', 'PCMU, PCMA, G722, L16, opus: what it may send, best first; repeatable')
    .option('--call-max-seconds <seconds>', 'longest call')

/** `trunk create|list|update|delete`. */
export const addTrunkCommands = (program: Command, context: Context): void => {
  const trunk = program.command('trunk').description('trunks: who may send calls, and to which project')

  withTrunkFlags(trunk.command('create').description('let somebody send calls, by network, password, certificate'))
    .option('--project <id>', 'the project; not needed while there is only one')
    .action((flags: TrunkFlags) =>
      withServices(context, flags, async (services) => {
        const { id: projectId } = await requireProject(services, flags)
        const { username, callMaxSeconds, ...parts } = await updateOf(flags, context)
        const made = await services.trunks.create({
          name: 'trunk',
          ...parts,
          projectId,
          ...(typeof username === 'string' && { username }),
          ...(typeof callMaxSeconds === 'number' && { callMaxSeconds }),
        })
        print(context, flags, show(made), (shown) => table([shown]))
      }),
    )

  withCommonFlags(trunk.command('list').description('trunks, oldest first, without their passwords'))
    .option('--project <id>', 'only those of one project')
    .action((flags: CommonFlags) =>
      withServices(context, flags, async (services) => {
        const project = flags.project === undefined ? undefined : await requireProject(services, flags)
        print(context, flags, (await services.trunks.list(project?.id)).map(show), table)
      }),
    )

  withTrunkFlags(trunk.command('update <id>').description('change a trunk; counts for calls within five seconds'))
    .option('--no-network', 'from anywhere, with its password or certificate')
    .option('--no-username', 'without Digest: whoever is in its networks or has its certificate')
    .option('--no-certificate', 'without a certificate')
    .option('--no-codec', 'all codecs')
    .option('--no-call-max-seconds', "no limit but the server's own")
    .action((id: string, flags: TrunkFlags) =>
      withServices(context, flags, async ({ trunks }) => {
        const changed = await trunks.update(requireUuid(id, 'id'), await updateOf(flags, context))
        print(context, flags, show(changed), (shown) => table([shown]))
      }),
    )

  withCommonFlags(trunk.command('delete <id>').description('remove a trunk; its running calls go on')).action(
    (id: string, flags: CommonFlags) =>
      withServices(context, flags, async ({ trunks }) => {
        await trunks.delete(requireUuid(id, 'id'))
        print(context, flags, { deleted: id }, () => `deleted ${id}`)
      }),
  )
}
