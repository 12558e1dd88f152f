import { createHmac, randomBytes } from 'node:crypto'
import type { SipTelemetry } from '../../ports/sip-telemetry.ts'
import { headersOf, type SipMessage, type SipRefusal, type SipRequest } from '../../protocol/sip/message.ts'
import { parseOptionTags } from '../../protocol/sip/option-tags.ts'
import { checkRequest } from '../../protocol/sip/required-headers.ts'
import type { Admission } from './admission.ts'
import type { Call } from './call.ts'
import { answerInCall } from './call-requests.ts'
import type { CallSurroundings } from './call-surroundings.ts'
import { dialogOf } from './dialog.ts'
import { Exchange } from './exchange.ts'
import type { SipFlow, SipReceiver, SipTransports } from './flow.ts'
import type { Invitations } from './invitations.ts'
import { ACCEPT, ALLOW, BUSY, FULFILLED, type Reply, replyOfError, STOPPING, SUPPORTED_TAGS } from './reply.ts'
import { formResponse } from './response.ts'
import { ResponsePath, stampVia, topVia } from './response-path.ts'
import { mergeKey, ServerTransactions, transactionKey } from './server-transactions.ts'

const SECRET_BYTES = 32
const TAG_DIGITS = 32
/** What metrics may name; a stranger cannot invent more. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'UPDATE',
  'INFO',
  'REGISTER',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'REFER',
  'MESSAGE',
  'PRACK',
])
const ALLOWED: ReadonlySet<string> = new Set(ALLOW.split(', '))

/**
 * The UAS core (RFC 3261 §8.2): finds what a request belongs to, and sees to it that every request but ACK gets exactly one final answer. Requests of
 * strangers and what has no place here are answered without keeping anything.
 */
export class UserAgentServer implements SipReceiver {
  readonly #surroundings: CallSurroundings
  readonly #transports: SipTransports
  readonly #admission: Admission
  readonly #invitations: Invitations
  readonly #telemetry: SipTelemetry
  readonly #transactions: ServerTransactions
  /** INVITEs without a final answer, which a CANCEL may end. */
  readonly #pending = new Map<string, Exchange>()
  readonly #secret = randomBytes(SECRET_BYTES)
  #isDraining = false

  constructor(options: {
    readonly surroundings: CallSurroundings
    readonly transports: SipTransports
    readonly admission: Admission
    readonly invitations: Invitations
    readonly transactionsMax: number
  }) {
    this.#surroundings = options.surroundings
    this.#transports = options.transports
    this.#admission = options.admission
    this.#invitations = options.invitations
    this.#telemetry = options.surroundings.telemetry
    this.#transactions = new ServerTransactions(options.surroundings.timers, options.transactionsMax)
  }

  get transactionCount(): number {
    return this.#transactions.size
  }

  /** From now on new calls get 503. */
  drain(): void {
    this.#isDraining = true
  }

  /** Answers what is still open, and forgets every transaction. */
  stop(): void {
    for (const exchange of [...this.#pending.values()]) exchange.answer(STOPPING)
    this.#transactions.stop()
  }

  received(message: SipMessage, flow: SipFlow): void {
    if (message.kind === 'response') this.#surroundings.requests.receive(message)
    else this.#receive(stampVia(message, flow.remote), flow)
  }

  #receive(request: SipRequest, flow: SipFlow): void {
    const transaction = this.#transactions.find(transactionKey(request, transactionMethod(request)))
    const path = new ResponsePath(request, flow, this.#transports)
    const fault = faultOf(request)
    if (transaction) transaction.receive(request)
    else if (request.method === 'ACK') this.#acknowledge(request)
    else if (fault) this.#refuse(request, path, fault)
    else if (request.method === 'CANCEL') this.#cancel(request, path)
    else this.#serve(request, flow, path)
  }

  /** What could not be read is answered when it is plainly a request other than ACK that says where answers go. */
  refused(refusal: SipRefusal, flow: SipFlow): void {
    if (refusal.method === undefined || refusal.method === 'ACK' || !topVia(refusal)) return
    const stamped = stampVia(refusal, flow.remote)
    const response = formResponse(stamped, { status: refusal.status }, this.#tagOf(stamped))
    new ResponsePath(stamped, flow, this.#transports).send(response)
    this.#count(refusal.method, refusal.status)
  }

  #serve(request: SipRequest, flow: SipFlow, path: ResponsePath): void {
    const dialog = dialogOf(request)
    const call = dialog && this.#surroundings.calls.find(dialog)
    if (dialog && !call) this.#refuse(request, path, { status: 481 })
    else if (!dialog && this.#transactions.isMerged(request)) this.#refuse(request, path, { status: 482 })
    else {
      const exchange = this.#open(request, flow, path, call !== undefined)
      if (!exchange) this.#refuse(request, path, BUSY)
      else
        this.#answer(exchange, call).then(
          (reply) => exchange.answer(reply),
          (error: unknown) => exchange.answer(replyOfError(error)),
        )
    }
  }

  async #answer(exchange: Exchange, call: Call | undefined): Promise<Reply> {
    return await (call ? answerInCall(call, exchange, () => this.#capabilities()) : this.#answerOutside(exchange))
  }

  async #answerOutside(exchange: Exchange): Promise<Reply> {
    if (exchange.request.method === 'INVITE')
      return this.#isDraining ? STOPPING : await this.#invitations.answer(exchange)
    if (exchange.request.method !== 'OPTIONS') return { status: 481 }
    const isKnown = await this.#admission.isKnown(exchange.flow)
    return isKnown ? this.#capabilities() : { status: 403 }
  }

  /** OPTIONS is answered as an INVITE would be (RFC 3261 §11.2). */
  #capabilities(): Reply {
    if (this.#isDraining) return STOPPING
    return {
      status: 200,
      headers: [
        ['Allow', ALLOW],
        ['Accept', ACCEPT],
        ['Accept-Encoding', 'identity'],
        ['Supported', SUPPORTED_TAGS],
      ],
    }
  }

  #open(request: SipRequest, flow: SipFlow, path: ResponsePath, isKnown: boolean): Exchange | undefined {
    const send = path.send.bind(path)
    const isReliable = flow.protocol !== 'UDP'
    const transaction = this.#transactions.open(request, { isReliable, isInCall: isKnown, send })
    if (!transaction) return undefined
    const { timers } = this.#surroundings
    const exchange = new Exchange({
      request,
      flow,
      transaction,
      toTag: this.#tagOf(request),
      resend: send,
      isKnown,
      timers,
    })
    const key = transactionKey(request)
    if (request.method === 'INVITE') this.#pending.set(key, exchange)
    exchange.onAnswered(({ status }) => {
      this.#pending.delete(key)
      this.#count(request.method, status)
    })
    return exchange
  }

  /** An answer that nothing is remembered of. */
  #refuse(request: SipRequest, path: ResponsePath, reply: Reply): void {
    path.send(formResponse(request, reply, this.#tagOf(request)))
    this.#count(request.method, reply.status)
  }

  /** RFC 3261 §9.2: the CANCEL gets its answer, and so does the INVITE unless it has had one. */
  #cancel(request: SipRequest, path: ResponsePath): void {
    const key = transactionKey(request, 'INVITE')
    const invite = this.#transactions.find(key)
    if (invite) {
      path.send(formResponse(request, { status: 200 }, this.#tagOf(invite.request)))
      this.#count('CANCEL', 200)
      this.#pending.get(key)?.answer({ status: 487 })
    } else this.#refuse(request, path, { status: 481 })
  }

  #acknowledge(ack: SipRequest): void {
    const dialog = dialogOf(ack)
    if (dialog) this.#surroundings.calls.find(dialog)?.acknowledge(ack)
  }

  #count(method: string, status: number): void {
    this.#telemetry.sipRequestAnswered(KNOWN_METHODS.has(method) ? method : 'other', status)
  }

  /** Our tag: nobody else can guess it, and a repeated request gets the same without being remembered (RFC 3261 §8.2.7, §19.3). */
  #tagOf(request: Pick<SipRequest, 'headers'>): string {
    const mac = createHmac('sha256', this.#secret)
    mac
      .update(topVia(request)?.branch ?? '')
      .update('\0')
      .update(mergeKey(request))
    return mac.digest('hex').slice(0, TAG_DIGITS)
  }
}

/** An ACK of a refusal belongs to its INVITE's transaction. */
const transactionMethod = ({ method }: SipRequest): string => (method === 'ACK' ? 'INVITE' : method)

/** What is wrong with a request whoever sent it (RFC 3261 §8.2.1, §8.2.2), in the order in which a UAS looks. */
const faultOf = (request: SipRequest): Reply | undefined => {
  const fault = checkRequest(request)
  if (fault) return { status: fault.status }
  if (!ALLOWED.has(request.method)) return { status: 405, headers: [['Allow', ALLOW]] }
  if (request.method === 'CANCEL') return undefined
  const unsupported = headersOf(request, 'Require')
    .flatMap(parseOptionTags)
    .filter((tag) => !FULFILLED.has(tag.toLowerCase()))
  if (unsupported.length > 0) return { status: 420, headers: [['Unsupported', unsupported.join(', ')]] }
  return undefined
}
