// Owns what the tests of pairs share: bytes that show where they belong, and a program to run at the other end.
import assert from 'node:assert/strict'
import { session } from '../../src/connection/channel-types/session.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { exitStatus } from '../../src/connection/requests/exit-status.ts'
import type { EngineEvent } from '../../src/engine/events.ts'
import type { PairChannel } from '../../src/testing/pair-side.ts'
import type { Pair } from '../../src/testing/pair.ts'

/** Bytes of which any piece tells where it was cut out. */
export const patterned = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = (seed * 2654435761) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export const same = (actual: Uint8Array, expected: Uint8Array, where: string): void => {
  assert.equal(actual.length, expected.length, `${where}: length`)
  const at = actual.findIndex((byte, i) => byte !== expected[i])
  assert.equal(at, -1, `${where}: differs at byte ${at}`)
}

/** Runs a command at the server: it writes `out` and `err`, then says how it ended. */
export const runCommand = (pair: Pair, command: string, answer: { out: Uint8Array | string; err?: string; code?: number }) => {
  const { client, server } = pair.open(session, {})
  let agreed: boolean | undefined
  client.channel.request(exec, { command }, ok => {
    agreed = ok
  })
  pair.run()
  assert.equal(agreed, true)
  server.send(answer.out)
  if (answer.err !== undefined) server.send(answer.err, 1)
  server.afterwards(channel => {
    channel.request(exitStatus, { exitStatus: answer.code ?? 0 })
    channel.eof()
    channel.close()
  })
  pair.run()
  return { client, server }
}

export const commandsOf = (channel: PairChannel): readonly string[] =>
  channel.requests.map(({ request }) => (request.type === 'exec' ? request.value.command : request.name))

/** An event in one line, without what differs from run to run on purpose. */
export const told = (event: EngineEvent): string => {
  switch (event.is) {
    case 'question':
      return `question ${event.question.about}`
    case 'exchanged':
      return `exchanged ${event.agreed.kex} ${event.agreed.clientToServer.cipher} first=${event.first} strict=${event.strict}`
    case 'authenticated':
      return `authenticated ${event.user} ${event.attempts.map(each => `${each.method}:${each.outcome}`).join()}`
    case 'channel-request':
      return `channel-request ${event.channel.number} ${event.question.request.name}`
    case 'open-request':
      return `open-request ${event.question.channelType}`
    case 'global-request':
      return `global-request ${event.question.request.name}`
    case 'ended':
      return `ended by ${event.by}: ${event.error.message}`
    case 'identified':
      return `identified ${event.peer.softwareVersion}`
    case 'banner':
    case 'debug':
      return `${event.is} ${event.message}`
    case 'untaken-key':
      return `untaken-key ${event.algorithm}`
    case 'pong':
      return `pong ${event.data.join()}`
    default:
      return `${event.is} ${event.channel.number}`
  }
}
