/** RFC 6750 §2.1; no token of ours is nearly as long. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]{1,256}=*) *$/i

/** The token of an `Authorization: Bearer …` header; undefined for anything else. */
export const parseBearer = (header: string | undefined): string | undefined => BEARER.exec(header ?? '')?.[1]
