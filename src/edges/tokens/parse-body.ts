import { PoulsenError } from '../../domain/errors.ts'
import { isPermission, type Permission } from '../../domain/token.ts'

/** The fields of a token request that were there and good. */
export interface TokenBody {
  readonly name?: string
  readonly permissions?: readonly Permission[]
  readonly subprojectId?: string
}

const NAME_LENGTH_MAX = 200
const PERMISSIONS_MAX = 100

const invalid = (code: string, attribute: string, message: string): PoulsenError =>
  new PoulsenError({ code, kind: 'invalid', message, details: { attribute } })

/**
 * Reads the JSON of a token request. Throws, always with the attribute at fault: INVALID_JSON, INVALID_NAME, INVALID_AUTH_TOKEN_PERMISSIONS,
 * INVALID_SUBPROJECT_ID. Unknown fields are ignored, as the original does.
 */
export const parseTokenBody = (text: string): TokenBody => {
  const fields = parseObject(text)
  return {
    ...(fields.name !== undefined && { name: parseName(fields.name) }),
    ...(fields.permissions !== undefined && { permissions: parsePermissions(fields.permissions) }),
    ...(fields.subproject_id !== undefined && { subprojectId: parseSubproject(fields.subproject_id) }),
  }
}

/** The fields, when both that a new token needs are there. Throws as {@link parseTokenBody} does. */
export const requireNewToken = (body: TokenBody): Required<Pick<TokenBody, 'name' | 'permissions'>> => {
  const { name, permissions } = body
  if (name === undefined) throw invalid('INVALID_NAME', 'name', "Name can't be blank")
  if (permissions === undefined) throw badPermissions()
  return { name, permissions }
}

const parseObject = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw invalid('INVALID_JSON', 'base', 'The body must be a JSON object')
}

const parseName = (value: unknown): string => {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= NAME_LENGTH_MAX) return value
  throw invalid('INVALID_NAME', 'name', `Name must be a text of 1 to ${NAME_LENGTH_MAX} characters`)
}

const parsePermissions = (value: unknown): readonly Permission[] => {
  const isList = Array.isArray(value) && value.length > 0 && value.length <= PERMISSIONS_MAX
  if (isList && value.every((name) => typeof name === 'string' && isPermission(name))) return [...new Set(value)]
  throw badPermissions()
}

const badPermissions = (): PoulsenError =>
  invalid('INVALID_AUTH_TOKEN_PERMISSIONS', 'permissions', 'Permissions must be a list of known permission names')

const parseSubproject = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw invalid('INVALID_SUBPROJECT_ID', 'subproject_id', 'Subproject id must be a UUID')
}
