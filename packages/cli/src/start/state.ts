// Owns the folder a try-out server keeps its state in: host keys, authorized_keys, known_hosts. Made on the first start,
// for its owner alone. Knows nothing of serving.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from 'nacre'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import { formatKnownHostsLine, PrivateKey, type Signer, writeOpensshPrivateKey } from 'nacre/keys'
import { loadHostKeys } from '../sshd/host-keys.ts'

type KeyChoice = Parameters<typeof generateKeyNumbers>[0]

const choices: Readonly<Record<string, KeyChoice>> = {
  ed25519: { kind: 'ed25519' },
  ecdsa: { kind: 'ecdsa', curve: 'nistp256' },
  rsa: { kind: 'rsa', bits: 3072 },
}

export interface State {
  readonly hostKeys: readonly Signer[]
  readonly authorizedKeys: string
  readonly knownHosts: string
}

/** Whole or not at all: a start that is interrupted must not leave half a key. */
const writeNew = (path: string, text: string): void => {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  renameSync(draft, path)
}

const hostKeyPath = async (folder: string, name: string, choice: KeyChoice): Promise<string> => {
  const path = join(folder, `ssh_host_${name}_key`)
  if (!existsSync(path)) {
    const key = new PrivateKey(await generateKeyNumbers(choice), 'nacre')
    writeNew(path, writeOpensshPrivateKey(nodeCrypto(), key))
  }
  return path
}

const authorizedKeysText = '# Public keys that may log in, one a line, as in ~/.ssh/authorized_keys.\n'

/** Opens the folder, and makes what is missing in it. Throws `ConfigError` when that cannot be. */
export const openState = async (folder: string): Promise<State> => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    const paths = await Promise.all(Object.entries(choices).map(([name, choice]) => hostKeyPath(folder, name, choice)))
    const authorizedKeys = join(folder, 'authorized_keys')
    if (!existsSync(authorizedKeys)) writeNew(authorizedKeys, authorizedKeysText)
    const { keys: hostKeys } = await loadHostKeys(paths, 2048)
    return { hostKeys, authorizedKeys, knownHosts: join(folder, 'known_hosts') }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`The state in ${folder} cannot be kept: ${(error as Error).message}`, {}, { cause: error })
  }
}

/**
 * Puts the host keys into known_hosts under this address, in place of other keys it had there, so that the first login asks
 * nothing. Gives the number of the line of each key.
 */
export const writeKnownHosts = (path: string, host: string, port: number, keys: readonly Signer[]): readonly number[] => {
  const lines = keys.map(key => formatKnownHostsLine(host, port, key.publicKey.blob))
  const name = `${lines[0].split(' ')[0]} `
  const others = existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter(line => line !== '' && !line.startsWith(name))
    : []
  const all = [...others, ...lines]
  writeFileSync(path, `${all.join('\n')}\n`, { mode: 0o600 })
  return lines.map(line => all.indexOf(line) + 1)
}
