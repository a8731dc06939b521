// Owns the list of all declared messages. Several share a number: what counts depends on the exchange or method that runs.
import { defaultTables } from '../../packages/nacre/src/algorithms/tables.ts'
import { authMessages } from '../../packages/nacre/src/auth/messages.ts'
import { authMethods } from '../../packages/nacre/src/auth/methods/table.ts'
import { connectionMessages } from '../../packages/nacre/src/connection/messages.ts'
import { transportMessages } from '../../packages/nacre/src/transport/messages.ts'
import type { Message } from '../../packages/nacre/src/wire/message.ts'

export const messages: readonly Message[] = [
  ...transportMessages,
  ...new Set(defaultTables.kexMethods.flatMap(each => each.messages)),
  ...authMessages,
  ...new Set(authMethods.flatMap(each => each.messages)),
  ...connectionMessages,
]
