/** One attribute, `a=name:value` or `a=name`. */
export interface SdpAttribute {
  readonly name: string
  readonly value: string
}

/** The attributes of the session, or of one media line, in their order. */
export type SdpSection = readonly SdpAttribute[]

const LINE_END = /\r\n|\r|\n/
const ATTRIBUTE = /^a=([A-Za-z0-9-]{1,64})(?::(.{0,2048}))?$/

/** The attributes of a session description or a fragment of one, by where they stand. The caller has bounded the text. */
export const sectionsOf = (text: string): { readonly session: SdpSection; readonly media: readonly SdpSection[] } => {
  const [session = [], ...media] = text.split(LINE_END).reduce<SdpAttribute[][]>(
    (sections, line) => {
      if (line.startsWith('m=')) sections.push([])
      const [, name, value = ''] = ATTRIBUTE.exec(line) ?? []
      if (name !== undefined) sections.at(-1)?.push({ name, value: value.trim() })
      return sections
    },
    [[]],
  )
  return { session, media }
}
