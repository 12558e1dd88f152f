import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { beforeAll, describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> }
  readonly responses: Readonly<Record<string, Response>>
}

interface Response {
  readonly description?: string
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>
}

interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly securitySchemes: Readonly<Record<string, { readonly type: string }>> }
}

const suite = useServer({ POULSEN_WEBRTC_LISTEN: '127.0.0.1:0' })
const MEDIA = '/files/{projectId}/recordings/{file}'
const AUDIO_TYPES = ['audio/wav', 'audio/mpeg', 'audio/ogg', 'multipart/form-data']
let document: Document
/** Every operation, with a name that a failure can be read by. */
let operations: readonly (readonly [name: string, path: string, operation: Operation])[]

beforeAll(async () => {
  document = (await suite.client.get('/openapi.json')).json as unknown as Document
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, path, operation] as const),
  )
})

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 with a title and a version', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/)
    expect(document.info).toMatchObject({ title: 'Poulsen', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(operations.length).toBeGreaterThanOrEqual(9)
  })

  it('says of every operation what it is for, who may, and how it answers', () => {
    for (const [name, , operation] of operations) {
      expect(operation.summary?.trim(), name).toBeTruthy()
      expect(operation.security?.length, name).toBeGreaterThan(0)
      const schemes = operation.security?.flatMap((needs) => Object.keys(needs)) ?? []
      for (const scheme of schemes) expect(document.components.securitySchemes, name).toHaveProperty(scheme)
      expect(Object.keys(operation.responses), name).toContain('401')
      for (const [status, { description }] of Object.entries(operation.responses)) {
        expect(status, name).toMatch(/^([1-5]\d\d|default)$/)
        expect(typeof description, `${name} ${status}`).toBe('string')
      }
    }
  })

  it('declares every part of a path, and nothing that the path does not have', () => {
    for (const [name, path, { parameters = [] }] of operations) {
      expect(path, name).toMatch(/^\//)
      const declared = parameters.filter((parameter) => parameter.in === 'path')
      expect(declared.map((parameter) => `{${parameter.name}}`).sort(), name).toEqual(
        (path.match(/\{[^}]+\}/g) ?? []).sort(),
      )
      expect(
        declared.every(({ required }) => required === true),
        name,
      ).toBe(true)
    }
  })

  it('has schemas that are JSON Schema 2020-12', () => {
    const ajv = new Ajv2020({ strict: false })
    ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
    const schemas = operations.flatMap(([, , { responses }]) =>
      Object.values(responses).flatMap(({ content = {} }) => Object.values(content).map(({ schema }) => schema)),
    )
    expect(schemas.length).toBeGreaterThan(20)
    for (const schema of schemas) expect(ajv.validateSchema(schema ?? true), JSON.stringify(schema)).toBe(true)
  })

  it('names every operation once', () => {
    const ids = operations.map(([, , { operationId }]) => operationId)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('says how every operation succeeds', () => {
    const withoutSuccess = operations.filter(([, , { responses }]) => !Object.keys(responses).some((s) => /^2/.test(s)))
    expect(withoutSuccess.map(([name]) => name)).toEqual([])
    expect(Object.keys(document.paths[MEDIA]?.get?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '206', '304', '412', '416']),
    )
  })

  it('says that an upload has a body, and of which types', () => {
    const uploads = [document.paths['/v1/recordings']?.post, document.paths['/v1/recordings/{id}']?.put]
    for (const upload of uploads) {
      expect(Object.keys(upload?.requestBody?.content ?? {})).toEqual(expect.arrayContaining(AUDIO_TYPES))
    }
  })
})

it('docs/reference/http.md has every operation, and no other', () => {
  const page = readFileSync('docs/reference/http.md', 'utf8')
  const listed = [...page.matchAll(/^\| `([A-Z]+) (\/(?:api|v1|files|whip\/\{)[^`]*)`/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  )
  const served = operations.map(([name]) => name.replace(/^\w+/, (method) => method.toUpperCase()))
  expect(listed.sort()).toEqual([...served].sort())
})
