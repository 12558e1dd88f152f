const UFRAG = /^[A-Za-z0-9+/]{4,256}$/
const PWD = /^[A-Za-z0-9+/]{22,256}$/

/** True for the name of an ICE session, `ice-ufrag` (RFC 8839 §5.4). */
export const isIceUfrag = (text: string): boolean => UFRAG.test(text)

/** True for the password of an ICE session, `ice-pwd` (RFC 8839 §5.4). */
export const isIcePwd = (text: string): boolean => PWD.test(text)
