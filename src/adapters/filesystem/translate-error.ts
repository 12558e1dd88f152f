import { PoulsenError } from '../../domain/errors.ts'

const codeOf = (thrown: unknown): string | undefined => (thrown as NodeJS.ErrnoException | null)?.code

/** The only place where a file system error becomes one of ours. What is not the file system's passes through. */
export const translateError = (thrown: unknown): unknown => {
  const code = codeOf(thrown)
  if (thrown instanceof PoulsenError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return thrown
  if (code === 'ENOENT') return notFound(thrown)
  if (code === 'EEXIST') return conflict(thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(thrown)
  return unavailable(code, thrown)
}

const notFound = (cause: unknown) =>
  new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message: 'There is no such media object.', cause })

const conflict = (cause: unknown) =>
  new PoulsenError({
    code: 'MEDIA_CONFLICT',
    kind: 'conflict',
    message: 'There already is a media object of that name.',
    cause,
  })

const diskFull = (cause: unknown) =>
  new PoulsenError({
    code: 'MEDIA_DISK_FULL',
    kind: 'unavailable',
    message: 'There is no space left for media.',
    hint: 'Free space on the disk of the data folder; nothing was stored half.',
    cause,
  })

const unavailable = (code: string, cause: unknown) =>
  new PoulsenError({
    code: 'MEDIA_UNAVAILABLE',
    kind: 'unavailable',
    message: `The media folder cannot be used (${code}).`,
    hint: 'Look at its permissions, its disk and the limit on open files.',
    cause,
  })
