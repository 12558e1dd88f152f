/** The address of this machine for itself. */
export const loopback = (family: 4 | 6): string => (family === 4 ? '127.0.0.1' : '::1')
