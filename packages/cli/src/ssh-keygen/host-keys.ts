// Owns `ssh-keygen -A`: a host key of every usual type where there is none yet, each with its public half. Knows nothing of formats.
import { renameSync, rmSync, statSync } from 'node:fs'
import type { Environment } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { type KeygenCall, usualComment } from './call.ts'
import { savePrivate, savePublic, temporaryName } from './key-files.ts'
import { type KeyChoice, makeKey, readKeyChoice } from './key-types.ts'
import type { Operation } from './operation.ts'

/** The types, and what their files are called; as sshd looks for them. */
export const hostKeyFiles = [
  { type: 'rsa', path: '/etc/ssh/ssh_host_rsa_key' },
  { type: 'ecdsa', path: '/etc/ssh/ssh_host_ecdsa_key' },
  { type: 'ed25519', path: '/etc/ssh/ssh_host_ed25519_key' },
  { type: 'mldsa44-ed25519', path: '/etc/ssh/ssh_host_mldsa44_ed25519_key' },
] as const

/** True when there is no key, or an empty file in its place. */
const isMissing = (path: string): boolean => {
  try {
    return statSync(path).size === 0
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return true
    throw error
  }
}

/** Both files appear whole, the public one first: nobody finds a key without it. */
const makeFiles = async (choice: KeyChoice, path: string, call: KeygenCall): Promise<void> => {
  const key = await makeKey(choice)
  const comment = usualComment()
  const [secret, open] = [temporaryName(path), temporaryName(`${path}.pub`)]
  try {
    await savePrivate(key, secret, { passphrase: '', comment }, call)
    savePublic(key.publicKey, open, comment)
    renameSync(open, `${path}.pub`)
    renameSync(secret, path)
  } finally {
    rmSync(secret, { force: true })
    rmSync(open, { force: true })
  }
}

const run = async (call: KeygenCall, environment: Environment): Promise<number> => {
  let begun = false
  for (const { type, path: usual } of hostKeyFiles) {
    const path = `${call.file ?? ''}${usual}`
    try {
      if (!isMissing(path)) continue
      const choice = readKeyChoice(type, undefined)
      environment.stdout.write(`${begun ? '' : 'ssh-keygen: generating new host keys: '}${choice.shortName} `)
      begun = true
      await makeFiles(choice, path, call)
    } catch (error) {
      logLine(environment, error instanceof FatalError ? error.message : `Could not save your private key in ${path}: ${systemText(error)}`)
      begun = false
    }
  }
  if (begun) environment.stdout.write('\n')
  return 0
}

export const makeHostKeys: Operation = { name: 'make host keys', wanted: call => call.has('A'), run }
