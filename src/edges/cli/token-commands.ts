import type { Command } from 'commander'
import { PoulsenError } from '../../domain/errors.ts'
import { isPermission, PERMISSIONS, type Permission, type Token } from '../../domain/token.ts'
import {
  type CommonFlags,
  type Context,
  print,
  requireName,
  requireProject,
  requireUuid,
  withCommonFlags,
  withServices,
} from './context.ts'
import { formatTable } from './terminal.ts'

interface CreateFlags extends CommonFlags {
  readonly name: string
  readonly permission: readonly string[]
}

/** A token as it is printed; its digest never is. */
const show = ({ digest: _hidden, createdAtMs, ...token }: Token) => ({
  ...token,
  createdAt: new Date(createdAtMs).toISOString(),
})

const table = (tokens: readonly ReturnType<typeof show>[]): string =>
  formatTable(
    ['id', 'name', 'created', 'permissions'],
    tokens.map(({ id, name, createdAt, permissions }) => [id, name, createdAt, permissions.join(' ')]),
  )

/** Permission names, with `voice` (the dashboard's label) for `calling`, and `all`. Throws USAGE_INVALID. */
export const parsePermissions = (names: readonly string[]): readonly Permission[] =>
  names.flatMap((name) => {
    if (name === 'all') return PERMISSIONS
    const permission = name === 'voice' ? 'calling' : name
    if (isPermission(permission)) return [permission]
    throw new PoulsenError({
      code: 'USAGE_INVALID',
      kind: 'invalid',
      message: `--permission must be one of ${PERMISSIONS.join(', ')}, voice or all, not ${name}.`,
    })
  })

/** `token create|list|revoke`. */
export const addTokenCommands = (program: Command, context: Context): void => {
  const token = program.command('token').description('API tokens of a project')
  const withProject = (command: Command) =>
    withCommonFlags(command).option('--project <id>', 'the project; not needed while there is only one')

  withProject(token.command('create').description('make a token; its secret is shown only now'))
    .option('--name <name>', 'what it is for', 'token')
    .requiredOption('--permission <name...>', 'calling (or voice), storage, management, …, or all')
    .action((flags: CreateFlags) =>
      withServices(context, flags, async (services) => {
        const { id: projectId } = await requireProject(services, flags)
        const permissions = parsePermissions(flags.permission)
        const made = await services.tokens.create({ projectId, name: requireName(flags.name), permissions })
        print(
          context,
          flags,
          { ...show(made.token), token: made.secret },
          (shown) => `${table([shown])}\n\ntoken  ${shown.token}`,
        )
      }),
    )

  withProject(token.command('list').description('tokens, oldest first, without their secrets')).action(
    (flags: CommonFlags) =>
      withServices(context, flags, async (services) => {
        const { id } = await requireProject(services, flags)
        print(context, flags, (await services.tokens.list(id)).map(show), table)
      }),
  )

  withProject(token.command('revoke <id>').description('revoke a token; counts within five seconds')).action(
    (id: string, flags: CommonFlags) =>
      withServices(context, flags, async (services) => {
        const project = await requireProject(services, flags)
        if (!(await services.tokens.revoke(project.id, requireUuid(id, 'id')))) throw notFound(id)
        print(context, flags, { revoked: id }, () => `revoked ${id}`)
      }),
  )
}

const notFound = (id: string) =>
  new PoulsenError({
    code: 'TOKEN_NOT_FOUND',
    kind: 'not-found',
    message: `There is no token ${id} in this project.`,
    hint: 'See `poulsen token list`.',
  })
