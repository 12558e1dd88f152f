/** One stream of a recording session, as far as its channel goes. */
export interface ChannelStream {
  readonly label: string | undefined
  /** Its line is in use, though perhaps on hold. */
  readonly isOpen: boolean
}

const LEFT = 0
const RIGHT = 1

/**
 * Which channel each stream of a recording session is heard in. The first participant's is the left one, everybody else's the right; without metadata the order of
 * the lines decides. A stream keeps its channel, whatever metadata says later; one that joins takes the side on which nobody is left, else the right.
 */
export class StreamChannels {
  readonly #channels: number[] = []

  /** The channel of each stream, by index. `order`: labels in the order of participants. */
  assign(streams: readonly ChannelStream[], order: readonly string[]): readonly number[] {
    if (this.#channels.length === 0) this.#channels.push(...begin(streams, order))
    while (this.#channels.length < streams.length) this.#channels.push(this.#side(streams))
    return this.#channels
  }

  #side(streams: readonly ChannelStream[]): number {
    const isLeftOpen = this.#channels.some((channel, index) => channel === LEFT && (streams[index]?.isOpen ?? false))
    return isLeftOpen ? RIGHT : LEFT
  }
}

const begin = (streams: readonly ChannelStream[], order: readonly string[]): readonly number[] => {
  const placeOf = ({ label }: ChannelStream): number => {
    const place = label === undefined ? -1 : order.indexOf(label)
    return place < 0 ? order.length : place
  }
  const places = streams.map(placeOf)
  const first = places.indexOf(Math.min(...places))
  return streams.map((_, index) => (index === first ? LEFT : RIGHT))
}
