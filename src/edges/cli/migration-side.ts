import { usage } from './context.ts'

/** Where a catalogue and its media are: what the server there has as data folder, POULSEN_CATALOGUE and POULSEN_MEDIA_STORE. */
export interface MigrationSide {
  /** Has what no URL is given for; at the source also what has not moved to the bucket yet. There unless both URLs are. */
  readonly folder?: string
  readonly catalogueUrl?: string
  readonly mediaUrl?: string
}

/** From where to where. */
export interface MigrationSides {
  readonly from: MigrationSide
  readonly to: MigrationSide
}

type Part = keyof MigrationSide

const SCHEMES: Readonly<Record<string, Part>> = { postgres: 'catalogueUrl', postgresql: 'catalogueUrl', s3: 'mediaUrl' }
const NAMES: Readonly<Record<Part, string>> = {
  folder: 'folder',
  catalogueUrl: 'postgres:// URL',
  mediaUrl: 's3:// URL',
}
/** A comma that cannot be a part of what is before it: no user, password or host has a slash. */
const COMMA = /,(?=postgres(?:ql)?:\/\/|s3:\/\/|\.{0,2}\/)/
const HINT =
  'Such as --from ./data --to postgres://user@host/database s3://bucket/prefix, or one of the URLs and a folder.'

/** Texts of `--from` or `--to` as a side. Throws USAGE_INVALID, which repeats nothing that may be secret. */
export const parseSide = (flag: '--from' | '--to', texts: readonly string[]): MigrationSide => {
  const side: Partial<Record<Part, string>> = {}
  for (const text of texts.flatMap((each) => each.split(COMMA))) {
    const part = partOf(flag, text)
    if (side[part] !== undefined) throw usage(`${flag} has more than one ${NAMES[part]}.`, HINT)
    side[part] = text
  }
  const { folder, catalogueUrl, mediaUrl } = side
  if (folder === undefined && (catalogueUrl === undefined || mediaUrl === undefined))
    throw usage(
      `${flag} needs a folder for ${catalogueUrl === undefined ? 'the catalogue' : 'the media'}, or another URL.`,
      HINT,
    )
  return side
}

const partOf = (flag: string, text: string): Part => {
  // One letter is a drive, not a scheme.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase()
  if (text === '') throw usage(`${flag} has an empty word.`, HINT)
  if (scheme === undefined) return 'folder'
  const part = SCHEMES[scheme]
  if (!part) throw usage(`${flag} has a URL that is neither postgres:// nor s3://.`, HINT)
  return part
}
