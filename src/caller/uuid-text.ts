import { randomUUID } from 'node:crypto'

/** A UUID in both its forms. */
export interface TwofoldUuid {
  /** 32 hexadecimal digits with hyphens (RFC 9562 §4). */
  readonly uuid: string
  /** Its 16 bytes in base64: how metadata names things (RFC 7865 §6.10). */
  readonly text: string
}

/** A new random UUID. */
export const newUuid = (): TwofoldUuid => {
  const uuid = randomUUID()
  return { uuid, text: Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64') }
}
