// The variables of sessions: what ssh_config says of SendEnv and SetEnv counts for every session of the connection, and what a
// session says itself goes before it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from '../../src/client/connect-node.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { allowAnyoneWithoutProof } from '../../src/server/authenticators/anyone.ts'
import { Server } from '../../src/server/create.ts'
import type { HandlerResult, Session } from '../../src/server/session.ts'
import { signerOf } from '../keys/certificates.ts'

/** What sessions of a connection with these options are given: two commands and a shell. */
const variables = async (options: readonly string[] | false, own: Readonly<Record<string, string>> = {}) => {
  const [ours, theirs] = memoryPair()
  const seen: Record<string, string>[] = []
  const see = (session: Session<unknown>): HandlerResult => {
    seen.push({ ...session.env })
    return 0
  }
  await using server = new Server(
    {
      hostKeys: [signerOf('ed25519')],
      authenticate: allowAnyoneWithoutProof(() => ({ name: 'anyone' })),
      session: { exec: see, shell: see, acceptEnv: ['*'] },
      refusalFloor: () => 0,
    },
    nodeRuntime(),
  )
  server.accept(theirs)
  const common = { transport: ours, hostKey: insecureAcceptAnyHostKey, auth: {}, user: 'ada' }
  await using connection =
    options === false
      ? await connect('alias', { ...common, config: false })
      : await connect('alias', { ...common, config: { file: 'none', options }, knownHostsFiles: [], agent: false, identityFiles: [] })
  await connection.run('one', { env: own })
  await (
    await connection.exec('two')
  ).exited
  await (
    await connection.shell()
  ).exited
  return seen
}

describe('sessions are given', () => {
  const before_ = { ...process.env }
  before(() => {
    Object.assign(process.env, { NACRE_TEST_ONE: '1', NACRE_TEST_TWO: '2', NACRE_TEST_TOO: '3' })
  })
  after(() => {
    for (const name of ['NACRE_TEST_ONE', 'NACRE_TEST_TWO', 'NACRE_TEST_TOO'])
      if (before_[name] === undefined) delete process.env[name]
      else process.env[name] = before_[name]
  })

  test('the variables that SendEnv names, by patterns, and not those taken out again', async () => {
    const all = { NACRE_TEST_ONE: '1', NACRE_TEST_TWO: '2', NACRE_TEST_TOO: '3' }
    assert.deepEqual(await variables(['SendEnv=NACRE_TEST_*']), [all, all, all])
    const some = { NACRE_TEST_ONE: '1' }
    assert.deepEqual(await variables(['SendEnv=NACRE_TEST_ONE NACRE_TEST_TWO', 'SendEnv=-NACRE_TEST_T*']), [some, some, some])
  })
  test('the variables of SetEnv, also in the place of those of SendEnv', async () => {
    const set = { NACRE_TEST_ONE: 'set', OTHER: 'x' }
    assert.deepEqual(await variables(['SendEnv=NACRE_TEST_ONE', 'SetEnv=NACRE_TEST_ONE=set OTHER=x']), [set, set, set])
  })
  test('what they ask for themselves before all that', async () => {
    const set = { A: '1', B: '2' }
    assert.deepEqual(await variables(['SetEnv=A=1 B=2'], { B: 'own', C: 'own' }), [{ A: '1', B: 'own', C: 'own' }, set, set])
  })
  test('nothing where nothing says so, and nothing of any configuration with config: false', async () => {
    for (const options of [[], false] as const) assert.deepEqual(await variables(options), [{}, {}, {}])
  })
})
