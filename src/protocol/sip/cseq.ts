/** A CSeq (RFC 3261 §20.16). */
export interface Cseq {
  /** Below 2³¹. */
  readonly sequence: number
  readonly method: string
}

const CSEQ = /^(\d{1,10})\s+([A-Za-z0-9\-.!%*_+`'~]{1,64})$/
const SEQUENCE_END = 2 ** 31

/** A CSeq's parts, or undefined when it is none. */
export const parseCseq = (text: string): Cseq | undefined => {
  const [, digits, method] = CSEQ.exec(text.trim()) ?? []
  const sequence = Number(digits)
  return method !== undefined && sequence < SEQUENCE_END ? { sequence, method } : undefined
}
