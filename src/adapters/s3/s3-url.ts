/** Where media is kept in S3, and how it is spoken to there. */
export interface S3Location {
  readonly bucket: string
  /** What all object names begin with, without a slash at its end; empty: nothing. */
  readonly prefix: string
  /** `http://host:port` of a server that is not AWS. */
  readonly endpoint?: string
  /** Absent: what the AWS configuration says, or `us-east-1` with an endpoint. */
  readonly region?: string
  /** The bucket is in the path, not in the host name. */
  readonly isPathStyle: boolean
  /** The encryption at rest that is asked for with every object. */
  readonly sse?: 'AES256' | 'aws:kms'
  readonly sseKmsKeyId?: string
}

const BUCKET = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const PREFIX = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/
const PREFIX_LENGTH_MAX = 200
const REGION = /^[a-z0-9-]{1,32}$/
const KMS_KEY_ID = /^[A-Za-z0-9:/_-]{1,256}$/
const PARAMETERS = ['endpoint', 'region', 'path_style', 'sse', 'sse_kms_key_id']
const FORM = 's3://bucket/prefix?endpoint=…&region=…&path_style=…&sse=…&sse_kms_key_id=…'

/**
 * `s3://bucket/prefix?endpoint=http://host:port&region=…&path_style=true|false&sse=AES256|aws:kms&sse_kms_key_id=…` as a location; for anything else the
 * reason, which says what is allowed and repeats nothing that may be secret.
 */
export const parseS3Url = (text: string): S3Location | string => {
  const url = URL.parse(text)
  if (url?.protocol !== 's3:') return `a URL of the form ${FORM}`
  if (url.username || url.password)
    return 'no credentials in the URL; they come from the environment or the files of the AWS client'
  if (url.port || url.hash) return `a URL of the form ${FORM}`
  if (!BUCKET.test(url.hostname)) return 'a bucket of 3 to 63 characters a-z, 0-9, - and .'
  const prefix = url.pathname.replace(/^\/|\/$/g, '')
  if (prefix.length > PREFIX_LENGTH_MAX || (prefix !== '' && !PREFIX.test(prefix)))
    return `a prefix of up to ${PREFIX_LENGTH_MAX} letters, digits and . _ - /, no part of it empty or starting with a dot`
  const parameters = parseParameters(url.searchParams)
  return typeof parameters === 'string' ? parameters : { bucket: url.hostname, prefix, ...parameters }
}

const parseParameters = (query: URLSearchParams): Omit<S3Location, 'bucket' | 'prefix'> | string => {
  const names = [...query.keys()]
  if (names.some((name) => !PARAMETERS.includes(name))) return `the parameters ${PARAMETERS.join(', ')}`
  if (new Set(names).size < names.length) return 'each parameter once'
  const value = (name: string) => query.get(name) ?? undefined
  const [endpoint, region, sse, sseKmsKeyId] = [
    value('endpoint'),
    value('region'),
    value('sse'),
    value('sse_kms_key_id'),
  ]
  const pathStyle = value('path_style') ?? String(endpoint !== undefined)
  if (endpoint !== undefined && !isOrigin(endpoint))
    return 'an endpoint of the form http://host:port or https://host:port'
  if (region !== undefined && !REGION.test(region)) return 'a region like eu-central-1'
  if (pathStyle !== 'true' && pathStyle !== 'false') return 'path_style=true or false'
  if (sse !== undefined && sse !== 'AES256' && sse !== 'aws:kms') return 'sse=AES256 or aws:kms'
  if (sseKmsKeyId !== undefined && (sse !== 'aws:kms' || !KMS_KEY_ID.test(sseKmsKeyId)))
    return 'sse_kms_key_id, the id, ARN or alias of a key, with sse=aws:kms only'
  return {
    isPathStyle: pathStyle === 'true',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(sse === undefined ? {} : { sse }),
    ...(sseKmsKeyId === undefined ? {} : { sseKmsKeyId }),
  }
}

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href
}
