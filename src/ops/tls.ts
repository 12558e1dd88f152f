import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Logger } from 'pino'
import { PoulsenError } from '../domain/errors.ts'

/** Paths of a PEM certificate chain and its private key. */
export interface TlsPaths {
  readonly cert: string
  readonly key: string
}

/** How often the files are looked at; certificates are renewed days before they expire. */
const LOOK_EVERY_MS = 2_000

/** A PEM certificate chain and its private key. */
export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Both files, checked to belong together. Throws TLS_INVALID, naming what is wrong. */
export const readTls = (paths: TlsPaths): TlsFiles => {
  try {
    const tls = { cert: readFileSync(paths.cert), key: readFileSync(paths.key) }
    createSecureContext(tls)
    return tls
  } catch (cause) {
    throw invalidTls(paths, cause)
  }
}

const invalidTls = (paths: TlsPaths, cause: unknown): PoulsenError =>
  new PoulsenError({
    code: 'TLS_INVALID',
    kind: 'invalid',
    message: `POULSEN_TLS_CERT=${paths.cert} and POULSEN_TLS_KEY=${paths.key} cannot be used: ${cause instanceof Error ? cause.message : cause}.`,
    hint: 'Give a PEM certificate chain and the private key that belongs to it.',
    cause,
  })

/**
 * Takes a changed certificate into service for new connections, without a restart. Files that do not fit together (a renewal half done)
 * are logged, and the old pair stays. Returns what ends the watch.
 */
export const watchTls = (paths: TlsPaths, use: (tls: TlsFiles) => void, logger: Logger): (() => Promise<void>) => {
  const reload = () => {
    try {
      use(readTls(paths))
      logger.info('TLS certificate reloaded')
    } catch (err) {
      logger.error({ err }, 'TLS certificate not reloaded; the old one stays')
    }
  }
  for (const path of [paths.cert, paths.key]) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, reload)
  return async () => {
    for (const path of [paths.cert, paths.key]) unwatchFile(path, reload)
  }
}
