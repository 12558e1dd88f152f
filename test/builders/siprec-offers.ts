import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = 'test/golden/siprec'
const OFFER = /\.sip$/

/** A line of an offer that is accepted, by its place among all lines, from 0. */
export interface ExpectedStream {
  readonly line: number
  readonly label: string | null
  readonly codec: string
  readonly direction: 'recvonly' | 'inactive'
  /** The crypto suite; absent: in the open. */
  readonly security?: string
}

/** What must come of an offer; see test/golden/siprec/README.md. */
export interface ExpectedOffer {
  readonly transport: 'UDP' | 'TCP' | 'TLS'
  readonly signs: readonly string[]
  readonly streams: readonly ExpectedStream[]
  readonly participants: readonly { readonly aor: string; readonly name?: string; readonly sends: readonly string[] }[]
  readonly labels_in_order: readonly string[]
  readonly left: readonly number[]
  readonly right: readonly number[]
  readonly data_mode: 'complete' | 'partial' | null
  readonly session_id: string | null
  readonly session_uuid: string | null
  /** Null: that of a session which is still to come. */
  readonly leg_id: string | null
  readonly unusual: readonly string[]
}

/** An offer as it is met, byte for byte, and what must come of it. */
export interface GoldenOffer {
  readonly name: string
  readonly bytes: Buffer
  readonly expected: ExpectedOffer
}

/** All of them, by name. */
export const goldenOffers: readonly GoldenOffer[] = readdirSync(FOLDER)
  .filter((file) => OFFER.test(file))
  .map((file) => {
    const name = file.replace(OFFER, '')
    const expected = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as ExpectedOffer
    return { name, bytes: readFileSync(join(FOLDER, file)), expected }
  })

/** One of them. */
export const goldenOffer = (name: string): GoldenOffer => {
  const found = goldenOffers.find((offer) => offer.name === name)
  if (!found) throw new Error(`there is no offer ${name}`)
  return found
}

/** One message of the session that is held and transferred, its To tag filled in. */
export const transferMessage = (name: string, toTag = ''): Buffer =>
  Buffer.from(
    readFileSync(join(FOLDER, 'transfer', `${name}.sip`), 'latin1').replace('TAG-OF-THE-ANSWER', toTag),
    'latin1',
  )
