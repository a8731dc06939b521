// Remembering a host key in a file: the line is added, and nothing else about the file changes.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { knownHosts } from '../../src/client/known-hosts-node.ts'
import { parsePublicKey } from '../../src/keys/public.ts'
import { testKey } from '../auth/fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-known-hosts-'))
after(() => rmSync(folder, { recursive: true }))

const { blob, fingerprint, algorithm } = testKey(5)
const presented = { key: parsePublicKey(blob), fingerprint, algorithm, host: 'host.example', port: 22, address: undefined }
const modeOf = (file: string): number => statSync(file).mode & 0o777

const remember = async (file: string): Promise<void> => {
  const { policy } = await knownHosts({ files: [file], strict: 'accept-new' })
  await policy(presented)
}

describe('a host key that is remembered', () => {
  it('makes a file only its owner can read, in folders only its owner can enter', async () => {
    const file = join(folder, 'fresh', 'known_hosts')
    await remember(file)
    assert.match(readFileSync(file, 'utf8'), /^host\.example ssh-ed25519 \S+\n$/)
    assert.equal(modeOf(file), 0o600)
    assert.equal(modeOf(join(folder, 'fresh')), 0o700)
  })

  // Whoever remembers keys in /dev/null as root must not close it to everybody else.
  it('leaves the mode of a file that was there alone', async () => {
    const file = join(folder, 'shared')
    writeFileSync(file, '# no newline at the end')
    chmodSync(file, 0o664)
    await remember(file)
    assert.match(readFileSync(file, 'utf8'), /^# no newline at the end\nhost\.example ssh-ed25519 \S+\n$/)
    assert.equal(modeOf(file), 0o664)
  })
})
