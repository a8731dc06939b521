// Which agent and which display ssh lends: what letters, keywords and the environment say, and what is said when there is none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AgentForwarding, X11Forwarding } from 'nacre'
import type { Environment } from '../../src/environment.ts'
import { prepareAgentForward } from '../../src/ssh/agent-forward.ts'
import { Log } from '../../src/ssh/log.ts'
import { readSshConfig } from '../../src/ssh/config.ts'
import { readSshCommand, type SshConfig } from '../../src/ssh/options.ts'
import { prepareX11 } from '../../src/ssh/x11.ts'

const settingsOf = async (...argv: readonly string[]): Promise<SshConfig> =>
  await readSshConfig(readSshCommand(['-F', 'none', ...argv, 'host']))

const place = (variables: Record<string, string> = {}) => {
  let text = ''
  const environment = { stderr: { write: (more: string) => void (text += more) }, variables } as unknown as Environment
  return { environment, log: new Log(environment, 'DEBUG1'), said: () => text }
}

/** With SSH_AUTH_SOCK as said while it runs. */
const withAgent = async <T>(socket: string | undefined, work: () => Promise<T>): Promise<T> => {
  const before = process.env.SSH_AUTH_SOCK
  if (socket === undefined) delete process.env.SSH_AUTH_SOCK
  else process.env.SSH_AUTH_SOCK = socket
  try {
    return await work()
  } finally {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK
    else process.env.SSH_AUTH_SOCK = before
  }
}

describe('the agent', () => {
  const agentOf = (argv: readonly string[], untrusted = false, socket: string | undefined = '/run/agent') =>
    withAgent(socket, async () => {
      const at = place()
      const forward = prepareAgentForward(await settingsOf(...argv), { untrusted }, at.log)
      return { agent: forward === false ? false : (forward as AgentForwarding).agent, said: at.said() }
    })

  it('goes along when it is asked for, and the last letter counts', async () => {
    assert.equal((await agentOf([])).agent, false)
    assert.equal((await agentOf(['-A'])).agent, true)
    assert.equal((await agentOf(['-A', '-a'])).agent, false)
    assert.equal((await agentOf(['-o', 'ForwardAgent=yes'])).agent, true)
  })

  it('is another one by its path or a variable, or the one IdentityAgent names', async () => {
    assert.equal((await agentOf(['-o', 'ForwardAgent=/other/agent'])).agent, '/other/agent')
    assert.equal((await agentOf(['-o', 'ForwardAgent=$SSH_AUTH_SOCK'])).agent, '/run/agent')
    assert.equal((await agentOf(['-A', '-o', 'IdentityAgent=/mine'])).agent, '/mine')
    assert.equal((await agentOf(['-A', '-o', 'IdentityAgent=none'])).agent, false)
  })

  it('is missed aloud when its socket is not there, and for good with ExitOnForwardFailure', async () => {
    assert.match((await agentOf(['-o', 'ForwardAgent=/nowhere/agent'])).said, /Cannot forward agent socket path "\/nowhere\/agent"/)
    await assert.rejects(agentOf(['-o', 'ForwardAgent=/nowhere/agent', '-o', 'ExitOnForwardFailure=yes']), { code: 'FORWARD_REFUSED' })
  })

  it('is none where there is none, which only the debug log tells', async () => {
    const { agent, said } = await agentOf(['-A'], false, '')
    assert.equal(agent, false)
    assert.match(said, /debug1: no agent is forwarded: there is none here/)
  })

  it('never goes to a server that may be the wrong one', async () => {
    const { agent, said } = await agentOf(['-A'], true)
    assert.equal(agent, false)
    assert.match(said, /Agent forwarding is disabled to avoid man-in-the-middle attacks/)
  })
})

describe('the display', () => {
  const displayOf = async (argv: readonly string[], variables: Record<string, string> = { DISPLAY: ':7' }, untrusted = false) => {
    const at = place(variables)
    const forward: X11Forwarding | undefined = await prepareX11(
      await settingsOf(...argv),
      { untrusted, shared: false },
      at.environment,
      at.log,
    )
    return { forward, said: at.said() }
  }

  it('goes along when it is asked for; without a cookie the person is told', async () => {
    assert.equal((await displayOf([])).forward, undefined)
    assert.equal((await displayOf(['-Y', '-x'])).forward, undefined)
    const { forward, said } = await displayOf(['-Y', '-o', 'XAuthLocation=/nowhere/xauth'])
    assert.deepEqual([forward?.display, forward?.authentication, forward?.timeout], [':7', undefined, undefined])
    assert.match(said, /Warning: no cookie for :7 from \/nowhere\/xauth/)
  })

  it('is not had untrusted without xauth, and it says what to do', async () => {
    const { forward, said } = await displayOf(['-X', '-o', 'XAuthLocation=/nowhere/xauth'])
    assert.equal(forward, undefined)
    assert.match(said, /X11 is not forwarded\. Untrusted X11 forwarding needs xauth, and there is no \/nowhere\/xauth/)
  })

  it('is what DISPLAY says, if it says one', async () => {
    assert.match((await displayOf(['-Y'], {})).said, /debug1: X11 forwarding requested but DISPLAY not set/)
    const { forward, said } = await displayOf(['-Y'], { DISPLAY: 'no\u001b[2J' })
    assert.equal(forward, undefined)
    assert.match(said, /DISPLAY is "no\\x1b\[2J", which names no display/)
  })

  it('never goes to a server that may be the wrong one', async () => {
    const { forward, said } = await displayOf(['-Y'], { DISPLAY: ':7' }, true)
    assert.equal(forward, undefined)
    assert.match(said, /X11 forwarding is disabled to avoid man-in-the-middle attacks/)
  })
})
