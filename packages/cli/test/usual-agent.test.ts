// The agent of the commands: the named one, and where none is named that of the system, if it has a usual one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { usualAgent } from '../src/usual-agent.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-agent-'))
const named = process.env.SSH_AUTH_SOCK
before(() => void delete process.env.SSH_AUTH_SOCK)
after(() => {
  if (named !== undefined) process.env.SSH_AUTH_SOCK = named
  rmSync(folder, { recursive: true })
})

describe('the agent', () => {
  test('is that of SSH_AUTH_SOCK', { skip: process.platform === 'win32' }, async () => {
    const path = join(folder, 'socket')
    const server = createServer(socket => socket.destroy())
    await new Promise<void>(resolve => server.listen(path, resolve))
    try {
      const agent = await usualAgent({ variables: { SSH_AUTH_SOCK: path } }, 'linux')
      assert.ok(agent !== undefined)
      agent.close()
    } finally {
      server.close()
    }
    await assert.rejects(usualAgent({ variables: { SSH_AUTH_SOCK: join(folder, 'nobody') } }, 'linux'), { code: 'AGENT_UNREACHABLE' })
  })
  test('is none where nothing names one', async () => {
    for (const variables of [{}, { SSH_AUTH_SOCK: '' }]) assert.equal(await usualAgent({ variables }, 'linux'), undefined)
  })
  test('is looked for in its usual places on Windows', { skip: process.platform === 'win32' }, async () => {
    await assert.rejects(usualAgent({ variables: {} }, 'win32'), { code: 'AGENT_UNREACHABLE' })
  })
})
