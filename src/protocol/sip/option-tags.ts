import { splitHeaderList } from './header-list.ts'
import { isToken } from './parameters.ts'

/** The option tags of a Require, Supported or Unsupported value (RFC 3261 §19.2), as they came; what is no token is left out. */
export const parseOptionTags = (value: string): readonly string[] => splitHeaderList(value).filter(isToken)
