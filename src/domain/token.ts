import type { Uuid } from './uuid.ts'

/** The permission names of the project API. The dashboard's label for `calling` is "Voice". */
export const PERMISSIONS = [
  'calling',
  'chat',
  'datasphere',
  'fax',
  'management',
  'messaging',
  'numbers',
  'pubsub',
  'storage',
  'tasking',
  'video',
] as const
export type Permission = (typeof PERMISSIONS)[number]

/** An API token of a project. Its secret is shown once; only the digest is kept. */
export interface Token {
  readonly id: Uuid
  readonly projectId: Uuid
  readonly name: string
  readonly permissions: readonly Permission[]
  /** Lower-case hexadecimal SHA-256 of the secret. */
  readonly digest: string
  readonly createdAtMs: number
}

/** What may be changed about a token. */
export interface TokenChanges {
  readonly name?: string
  readonly permissions?: readonly Permission[]
}

const SECRET = /^PT[0-9a-f]{48}$/

/** True for `PT` followed by 48 lower-case hexadecimal digits, the form of every token secret. */
export const isTokenSecret = (text: string): boolean => SECRET.test(text)

/** True when `name` is one of the eleven permission names. */
export const isPermission = (name: string): name is Permission => (PERMISSIONS as readonly string[]).includes(name)
