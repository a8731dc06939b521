// Owns finding a message's declaration by its number, for all that do not belong to a running exchange or method. Knows
// nothing of when a message may come.
import { authMessages } from '../auth/messages.ts'
import { connectionMessages } from '../connection/messages.ts'
import { transportMessages } from '../transport/messages.ts'
import type { Message } from '../wire/message.ts'

const byNumber = (...lists: readonly (readonly Message[])[]): readonly (Message | undefined)[] => {
  const table: (Message | undefined)[] = Array.from({ length: 256 })
  for (const list of lists) for (const each of list) table[each.number] = each
  return table
}

/** Declarations by number. The same for every connection. */
export const messages = byNumber(transportMessages, authMessages, connectionMessages)
