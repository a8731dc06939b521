// Owns the one decision that comes before any handler: may this message come now, from this side? Reads only the columns
// of the declaration and where the connection stands. Knows nothing of contents.
import type { Violation } from '../errors.ts'
import type { Message } from '../wire/message.ts'

/** How far a connection has come. */
export type Stage = 'exchange' | 'service' | 'auth' | 'connection'

export interface Situation {
  readonly us: 'client' | 'server'
  /** `exchange` is the first key exchange; later ones show in `peerIsExchanging`. */
  readonly stage: Stage
  /** The peer has sent KEXINIT and not yet NEWKEYS. */
  readonly peerIsExchanging: boolean
  /** Both sides offered strict key exchange. */
  readonly strict: boolean
}

/** `ignore` is for the one message that RFC 4252 §5.1 tells us to drop without a word. */
export type Admission = 'take' | 'ignore' | Violation

const order: Record<Stage, number> = { exchange: 0, service: 1, auth: 2, connection: 3 }

const disconnect = 1
const serviceRequest = 5
const userauthRequest = 50

/** Decides on a message by its columns. Sources: RFC 4253 §7.1, RFC 4252 §5.1, draft-miller-sshm-strict-kex. */
export const admit = (message: Pick<Message, 'number' | 'phase' | 'from'>, situation: Situation): Admission => {
  const peer = situation.us === 'client' ? 'server' : 'client'
  if (message.from !== 'either' && message.from !== peer) return 'message-wrong-role'
  if (message.phase === 'kex') return 'take'
  // A peer that gives up may always say so.
  if (message.number === disconnect) return 'take'
  if (situation.stage === 'exchange') {
    if (message.phase !== 'any') return 'message-before-its-phase'
    return situation.peerIsExchanging && situation.strict ? 'message-in-strict-key-exchange' : 'take'
  }
  if (message.phase === 'any') return 'take'
  if (situation.peerIsExchanging) return 'message-during-key-exchange'
  if (message.phase === 'established') return 'take'
  const now = order[situation.stage]
  const due = order[message.phase]
  if (now === due) return 'take'
  if (now < due) return 'message-before-its-phase'
  // Nothing in RFC 4253 §10 limits it to once, and paramiko asks again before each method.
  if (message.number === serviceRequest && situation.stage === 'auth') return 'take'
  return message.number === userauthRequest && situation.stage === 'connection' ? 'ignore' : 'message-after-its-phase'
}

/** Decides on a number without a declaration: `undefined` where the answer is SSH_MSG_UNIMPLEMENTED (RFC 4253 §11.4). */
export const admitUnknown = (number: number, { stage, peerIsExchanging, strict }: Situation): Violation | undefined => {
  // Numbers of an exchange's or a method's own (RFC 4251 §7) that whatever runs does not know.
  if (number === 20 || number === 21 || (number >= 30 && number <= 49) || (number >= 60 && number <= 79)) return 'message-unexpected'
  if (peerIsExchanging) {
    if (stage === 'exchange' && strict) return 'message-in-strict-key-exchange'
    // RFC 4253 §7.1: 1 to 29 may come, and for those nobody recognises its §11 holds.
    if (number < 1 || number > 29) return stage === 'exchange' ? 'message-unexpected' : 'message-during-key-exchange'
  }
  // RFC 4252 §6: 80 and higher end a connection that has not authenticated; from 192 on they are extensions of any layer.
  return number >= 80 && number < 192 && stage !== 'connection' ? 'message-before-its-phase' : undefined
}
