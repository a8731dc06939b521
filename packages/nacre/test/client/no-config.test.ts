// `connect` with `config: false` reads no file, no variable and no agent: with all of them set to traps, nothing is touched. A
// program of its own, since it looks at the whole process.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { vector } from '../keys/fixtures.ts'
import { notIn } from '../runtime.ts'

const home = mkdtempSync(join(tmpdir(), 'nacre-no-config-'))
after(() => rmSync(home, { recursive: true }))
mkdirSync(join(home, '.ssh'))
writeFileSync(join(home, '.ssh', 'config'), 'This is no configuration\n')
writeFileSync(join(home, '.ssh', 'known_hosts'), '@revoked * ssh-ed25519 AAAA\n')
writeFileSync(join(home, '.ssh', 'id_ed25519'), vector('ed25519.key'), { mode: 0o600 })
const trap = join(home, 'trap')

const from = (path: string): string => JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)))
/** Notes every call of the file system and of sockets from the start of `connect` to the end of a command, and prints which. */
const program = (config: string): string => `
  import fs from 'node:fs'
  import fsPromises from 'node:fs/promises'
  import net from 'node:net'
  import { syncBuiltinESMExports } from 'node:module'
  const calls = []
  let listening = false
  const watch = (object, names) => {
    for (const name of names) {
      const real = object[name]
      object[name] = function (...words) {
        if (listening && !String(words[0]).startsWith('file:') && !/\\.(ts|c?js|mjs|json|node|wasm)$/.test(String(words[0]))) calls.push(name + ' ' + String(words[0]))
        return real.apply(this, words)
      }
    }
  }
  watch(fs, ['openSync', 'readFileSync', 'existsSync', 'statSync', 'globSync', 'readdirSync', 'open', 'readFile', 'stat'])
  watch(fsPromises, ['open', 'readFile', 'stat', 'readdir'])
  watch(net, ['connect', 'createConnection'])
  syncBuiltinESMExports()
  const { connect } = await import(${from('client/connect-node.ts')})
  const { memoryPair } = await import(${from('io/memory.ts')})
  const { nodeRuntime } = await import(${from('io/runtime-node.ts')})
  const { Server } = await import(${from('server/create.ts')})
  const { allowAnyoneWithoutProof } = await import(${from('server/authenticators/anyone.ts')})
  const { insecureAcceptAnyHostKey } = await import(${from('client/policy.ts')})
  const { generateKeyNumbers } = await import(${from('crypto/node/generate.ts')})
  const { nodeCrypto } = await import(${from('crypto/node/provider.ts')})
  const { PrivateKey } = await import(${from('keys/private.ts')})
  const { createSigner } = await import(${from('keys/signer.ts')})
  const hostKey = createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' })), 'host')
  const [ours, theirs] = memoryPair()
  const server = new Server({ hostKeys: [hostKey], authenticate: allowAnyoneWithoutProof(() => ({ name: 'anyone' })), session: { exec: () => 0 } }, nodeRuntime())
  server.accept(theirs)
  listening = true
  let outcome = 'connected'
  try {
    const connection = await connect('alias', { ${config}, transport: ours, hostKey: insecureAcceptAnyHostKey, user: 'ada' })
    await connection.run('true')
    await connection.close()
  } catch (error) {
    outcome = error.message
  }
  listening = false
  await server.close()
  console.log(JSON.stringify({ outcome, calls }))
`
const run = (config: string): { readonly outcome: string; readonly calls: readonly string[] } =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program(config)], {
      env: { PATH: process.env.PATH, HOME: home, SSH_AUTH_SOCK: trap, NACRE_TRACE: trap, NODE_NO_WARNINGS: '1' },
      encoding: 'utf8',
    }),
  ) as { readonly outcome: string; readonly calls: readonly string[] }

// Elsewhere calls of the library pass the traps by, and a test that nothing was touched could not fail.
describe('connect', { skip: notIn(['Bun', 'Deno'], 'modules of Node cannot be watched') }, () => {
  test('with config: false touches no file and no agent', () => {
    assert.deepEqual(run('config: false, auth: {}'), { outcome: 'connected', calls: [] })
  })
  test('without it does: the same traps are met', () => {
    const { outcome, calls } = run('auth: {}')
    assert.match(outcome, /config line 1: This is not a keyword/)
    assert.ok(
      calls.some(call => call.endsWith('.ssh/config')),
      calls.join('\n'),
    )
  })
})
