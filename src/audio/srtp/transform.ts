/** One packet as a transform sees it: where its parts lie, and what its keystream and tag depend on beside its bytes. */
export interface PacketParts {
  /** 32 bits. */
  readonly ssrc: number
  /** 48 bits: of SRTP the rollover counter before the sequence number, of SRTCP its own index. */
  readonly index: number
  /** What is encrypted goes from here… */
  readonly clearEnd: number
  /** … to here; both the same when nothing is. */
  readonly dataEnd: number
  readonly tagAt: number
  /** 32 bits that are authenticated behind the data: of SRTCP the E flag and the index. */
  readonly word: number | undefined
}

/** Encryption and authentication of packets under one set of session keys (RFC 3711 §4.1, §4.2; RFC 7714). Works within the packet's own bytes. */
export interface Transform {
  /** True when the tag is right: then the data is decrypted. False: the bytes are as they were. */
  open(bytes: Uint8Array, parts: PacketParts): boolean
  /** Encrypts the data and writes the tag. */
  seal(bytes: Uint8Array, parts: PacketParts): void
}
