import Type from 'typebox'

/** JSON Schemas that several routes share; they document what the code formats by hand, and a test holds the code to them. */
export const UUID_SCHEMA = Type.String({ format: 'uuid', description: 'Universally unique identifier.' })

/** `{"error":"…"}` with its one allowed word. */
export const bareErrorSchema = (word: string, description: string) =>
  Type.Object({ error: Type.Literal(word) }, { description })

/** The contract's 422: a list of what failed validation. */
export const VALIDATION_ERROR_SCHEMA = Type.Object(
  {
    errors: Type.Array(
      Type.Object({
        detail: Type.String({ description: 'What caused the error.' }),
        status: Type.String({ description: 'The HTTP status code.' }),
        title: Type.String({ description: 'A short summary of the error type.' }),
        code: Type.String({ description: 'The error code.' }),
      }),
    ),
  },
  { description: 'The request was refused. See errors for details.' },
)

/** The errors that every authenticated route can answer with. */
export const COMMON_ERRORS = {
  401: bareErrorSchema('Unauthorized', 'Access is unauthorized.'),
  404: bareErrorSchema('Not Found', 'The server cannot find the requested resource.'),
  500: bareErrorSchema('Internal Server Error', 'An internal server error occurred.'),
  503: Type.Object({ error: Type.String() }, { description: 'Not now: try again after Retry-After seconds.' }),
}

/** Basic with a project id and a token, for every route but the open ones. */
export const BASIC_SECURITY = [{ basic: [] }]
