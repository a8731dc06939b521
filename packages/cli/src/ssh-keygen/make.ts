// Owns making a key pair: `ssh-keygen` without any other operation. Knows nothing of formats.
import { existsSync } from 'node:fs'
import { randomArt, type PrivateKey } from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError } from '../fatal.ts'
import { nextLine } from '../askpass.ts'
import { type KeygenCall, usualComment } from './call.ts'
import { askFile, makeUserFolder, savePrivate, savePublic, usualName } from './key-files.ts'
import { makeKey, readKeyChoice } from './key-types.ts'
import { askUntilSame } from './new-passphrase.ts'
import type { Operation } from './operation.ts'

/** True when the file is not there, or the person lets it go. */
export const mayOverwrite = async (path: string, environment: Environment): Promise<boolean> => {
  if (!existsSync(path)) return true
  environment.stdout.write(`${path} already exists.\nOverwrite (y/n)? `)
  return /^y/i.test((await nextLine(environment.stdin)) ?? '')
}

const passphraseFor = async (path: string, call: KeygenCall, environment: Environment): Promise<string> =>
  call.passphrase ?? call.newPassphrase ?? (await askUntilSame(`Enter passphrase for "${path}" (empty for no passphrase): `, environment))

const tell = (key: PrivateKey, path: string, comment: string, call: KeygenCall, environment: Environment): void => {
  const { publicKey } = key
  environment.stdout.write(
    `Your public key has been saved in ${path}\n` +
      `The key fingerprint is:\n${publicKey.fingerprint(call.fingerprintHash)} ${comment}\n` +
      `The key's randomart image is:\n${randomArt(publicKey, call.fingerprintHash)}\n`,
  )
}

const run = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const typed = call.line.last('t') ?? 'ed25519'
  const choice = readKeyChoice(typed, call.bits)
  const say = (text: string): void => {
    if (!call.quiet) environment.stdout.write(text)
  }
  say(`Generating public/private ${typed} key pair.\n`)
  const key = await makeKey(choice)
  const path = await askFile('Enter file in which to save the key', usualName(choice.shortName), call, environment)
  makeUserFolder(path, call, environment)
  if (!(await mayOverwrite(path, environment))) throw new FatalError('', 1)
  const passphrase = await passphraseFor(path, call, environment)
  const comment = call.comment ?? usualComment()
  await savePrivate(key, path, { passphrase, comment }, call)
  say(`Your identification has been saved in ${path}\n`)
  savePublic(key.publicKey, `${path}.pub`, comment)
  if (!call.quiet) tell(key, `${path}.pub`, comment, call, environment)
  return 0
}

export const make: Operation = { name: 'make a key pair', wanted: () => true, run }
