// What clients offer to lend a session: permitted or not, asked for once and before the start, with words that are harmless.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { session as sessionType } from '../../src/connection/channel-types/session.ts'
import { agentReq } from '../../src/connection/requests/agent-req.ts'
import { authAgentReq } from '../../src/connection/requests/auth-agent-req.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { x11Req } from '../../src/connection/requests/x11-req.ts'
import { RequestRefusedError } from '../../src/errors.ts'
import type { ChannelPort } from '../../src/io/channel-port.ts'
import type { SessionHandlers } from '../../src/server/session.ts'
import { joined } from '../io/fixtures.ts'

const asked = {
  singleConnection: false,
  authenticationProtocol: 'MIT-MAGIC-COOKIE-1',
  authenticationCookie: '00ff',
  screenNumber: 2,
}

const opened = async (handlers: SessionHandlers<{ readonly name: string }>) => {
  const at = await joined({ exec: () => new Promise(() => {}), ...handlers })
  const port: ChannelPort = await at.client.open(sessionType, {})
  port.handle({ data: () => {}, eof: () => {}, request: question => question.fail(), closed: () => {} })
  return { ...at, port, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() }
}

// Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
const alive = setInterval(() => {}, 60_000)
after(() => clearInterval(alive))

describe('agents and displays', () => {
  it('are refused unless they are permitted', async () => {
    for (const handlers of [{}, { agent: false, x11: false }, { agent: () => false, x11: () => false }]) {
      await using at = await opened(handlers)
      for (const row of [authAgentReq, agentReq]) await assert.rejects(at.port.ask(row, {}), RequestRefusedError)
      await assert.rejects(at.port.ask(x11Req, asked), RequestRefusedError)
    }
  })

  it('are permitted by who is logged in', async () => {
    const may = ({ user }: { readonly user: { readonly name: string } }): boolean => user.name === 'ada'
    await using at = await opened({ agent: may, x11: may })
    await at.port.ask(agentReq, {})
    await at.port.ask(x11Req, asked)
  })

  it('are asked for once in a session', async () => {
    await using at = await opened({ agent: true, x11: true })
    await at.port.ask(authAgentReq, {})
    await assert.rejects(at.port.ask(agentReq, {}), RequestRefusedError)
    await at.port.ask(x11Req, asked)
    await assert.rejects(at.port.ask(x11Req, asked), RequestRefusedError)
  })

  it('are not asked for any more when the command runs', async () => {
    await using at = await opened({ agent: true, x11: true })
    await at.port.ask(exec, { command: 'x' })
    await assert.rejects(at.port.ask(authAgentReq, {}), RequestRefusedError)
    await assert.rejects(at.port.ask(x11Req, asked), RequestRefusedError)
  })
})

describe('a display', () => {
  it('has a name and a cookie that xauth takes for nothing more', async () => {
    await using at = await opened({ x11: true })
    for (const bad of [
      { authenticationProtocol: 'MIT\nadd :0 x 00' },
      { authenticationProtocol: 'a b' },
      { authenticationProtocol: '' },
      { authenticationProtocol: 'x'.repeat(257) },
      { authenticationCookie: '00 ff' },
      { authenticationCookie: '00\nsource /etc/passwd' },
      { authenticationCookie: '0' },
      { authenticationCookie: '' },
      { authenticationCookie: 'zz' },
    ])
      await assert.rejects(at.port.ask(x11Req, { ...asked, ...bad }), RequestRefusedError, JSON.stringify(bad))
    await at.port.ask(x11Req, asked)
  })
})
