// Owns finding a goodbye among packets that came and were not taken. Knows nothing of why they were not.
import type { Infer } from '../wire/codec.ts'
import { Disconnect } from '../transport/messages.ts'
import type { Incoming } from '../transport/incoming.ts'
import { decodeMessage } from '../wire/message.ts'

export type Goodbye = Pick<Infer<typeof Disconnect>, 'reasonCode' | 'description'>

/**
 * The network has ended while packets waited for an answer of ours. The peer may have said why it left, which is better to
 * know than that it did. Takes all that is left.
 */
export const heldGoodbye = (incoming: Pick<Incoming, 'next'>): Goodbye | undefined => {
  try {
    for (let payload = incoming.next(); payload !== undefined; payload = incoming.next())
      if (payload[0] === Disconnect.number) return decodeMessage(Disconnect, payload)
  } catch {
    // What cannot be read any more says nothing.
  }
  return undefined
}
