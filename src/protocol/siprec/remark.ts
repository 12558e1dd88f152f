/** Something about an INVITE that is worth knowing. */
export interface Remark {
  readonly code: RemarkCode
  /** `warning`: something is lost, refused or guessed; `note`: it is understood all the same. */
  readonly severity: 'note' | 'warning'
  /** What was seen, in one sentence. */
  readonly says: string
  /** What follows from it, or what to do. */
  readonly hint: string
  /** Where it is written. */
  readonly clause: string
}

interface Kind extends Pick<Remark, 'severity' | 'hint' | 'clause'> {}

const note = (hint: string, clause: string): Kind => ({ severity: 'note', hint, clause })
const warning = (hint: string, clause: string): Kind => ({ severity: 'warning', hint, clause })

const KINDS = {
  not_siprec: warning(
    'It is recorded as an ordinary call. Let the client put +sip.src into its Contact and siprec into Require.',
    'RFC 7866 §6.1.1',
  ),
  no_sip_src: note('Understood by the other signs.', 'RFC 7866 §6.1.1'),
  no_option_tag: note('Understood by the other signs.', 'RFC 7866 §6.1.1'),
  extension_required: warning('The answer is 420. Do not let the client require it.', 'RFC 3261 §8.2.2.3'),
  request_faulty: warning(
    'The answer is an error. The client, or something on the way, must be mended.',
    'RFC 3261 §8.2.2',
  ),
  within_dialog: note(
    'It is explained as if it began a session; what went before is not known here.',
    'RFC 3261 §12.2',
  ),
  large_over_udp: note(
    'It travels in fragments, and is lost when one is. Let the client use TCP or TLS.',
    'RFC 3261 §18.1.1',
  ),
  line_feeds: note('Understood.', 'RFC 3261 §7'),
  pasted_line_ends: note('Copying does that; the message is read as if it had not happened.', 'RFC 3261 §7'),
  body_short: warning(
    'Read as far as it goes. On the wire it would get 400, or, over TCP and TLS, nothing until the rest came.',
    'RFC 3261 §18.3',
  ),
  body_long: note('What is behind it is left out, as the server does.', 'RFC 3261 §18.3'),
  content_length_unreadable: warning('The answer is 400.', 'RFC 3261 §20.14'),
  nested: note('Understood, two levels deep.', 'RFC 2046 §5.1'),
  no_last_boundary: note('Understood; it may mean that the message was cut off.', 'RFC 2046 §5.1.1'),
  wrong_part_length: note('The boundaries count, not the lengths.', 'RFC 2046 §5.1'),
  other_parts: note('Left out.', 'RFC 5621 §3'),
  part_required: warning('The answer is 415: who sends it says that it must be understood.', 'RFC 5621 §3'),
  no_metadata: note('Recorded all the same, in the order of the lines; nobody is named.', 'RFC 7866 §9.1'),
  metadata_twice: note('The first counts.', 'RFC 7866 §9.1'),
  metadata_unreadable: warning('Recorded all the same, in the order of the lines; nobody is named.', 'RFC 7865 §5.1'),
  metadata_flawed: warning('The rest of the metadata is used.', 'RFC 7865 §6'),
  legacy_type: note('Understood; the name of today is application/rs-metadata+xml.', 'RFC 9806 §3'),
  old_namespace: note('Understood; that of the standard is urn:ietf:params:xml:ns:recording:1.', 'RFC 7865 §5.1.1'),
  old_layout: note('Understood; drafts of the standard were written so.', 'RFC 7865 §6'),
  partial_at_first: warning('A snapshot is asked for, by UPDATE.', 'RFC 7866 §9.1'),
  no_session: note('A persistent recording session: while no line is active, nothing is recorded.', 'RFC 7866 §10'),
  several_sessions: note('One recording holds them all; its leg id is that of the first.', 'RFC 7865 §6.1'),
  session_id_no_uuid: note('The leg id is made from it: a UUIDv5.', 'RFC 7865 §6.10'),
  aor_without_scheme: note('Kept as it is.', 'RFC 7865 §6.5.1'),
  old_times: note('Times of the metadata are kept, and not used to place audio.', 'RFC 7865 §6.9'),
  no_associations: note('Channels follow the order in which the metadata lists its streams.', 'RFC 7865 §6.8'),
  label_without_line: warning(
    'That stream is not in the session description: nothing of it can be recorded.',
    'RFC 7865 §6.7',
  ),
  line_without_stream: warning('Its audio is recorded; whose it is, nobody says.', 'RFC 7865 §6.7'),
  lines_in_other_order: note('Channels follow the participants, not the lines.', 'RFC 7865 §6.8'),
  no_labels: warning('Lines are taken in their own order; whose each is, is a guess.', 'RFC 7866 §7.1.1'),
  label_twice: warning('Both are recorded; whose each is, is a guess.', 'RFC 4574 §4'),
  not_sendonly: note('Answered with recvonly: nothing is ever sent.', 'RFC 7866 §7.1.1'),
  inactive: note('Answered with inactive; silence until a re-INVITE makes it active.', 'RFC 7866 §7.1.1.1'),
  one_stream: note('Whoever speaks is in one channel: the sides cannot be told apart later.', 'RFC 7866 §8.3'),
  many_streams: note('In stereo the first in order is left, all others together are right.', 'RFC 7866 §7.1.1'),
  refused_lines: note('Answered with port 0, each in its place.', 'RFC 3264 §6'),
  different_codecs: note('Decoded, so that both fit into one file.', 'RFC 3264 §6'),
  odd_port: note('RTCP is expected on the next port, unless a=rtcp says another.', 'RFC 3550 §11'),
  crypto_unusable: warning('The line is refused: none of its a=crypto can be used.', 'RFC 4568 §6'),
  keys_in_the_open: warning('Anybody on the way can read the keys. Use SIP over TLS.', 'RFC 4568 §8.3'),
  body_refused: warning('The answer is an error: nothing is recorded.', 'RFC 3261 §8.2.3'),
  no_offer: note('The answer has an offer of ours: the client must answer it in its ACK.', 'RFC 3261 §13.2.1'),
  nothing_taken: warning('The answer is 488: no line can be recorded.', 'RFC 3261 §21.4.26'),
} as const satisfies Readonly<Record<string, Kind>>

/** What there is to remark on; names are stable. */
export type RemarkCode = keyof typeof KINDS

/** A remark of a kind. `says` begins with a capital and ends with a full stop. */
export const remark = (code: RemarkCode, says: string): Remark => ({ code, says, ...KINDS[code] })

/** The remark, when it is so. */
export const remarkIf = (isSo: boolean, code: RemarkCode, says: () => string): readonly Remark[] =>
  isSo ? [remark(code, says())] : []
