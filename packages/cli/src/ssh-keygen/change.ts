// Owns changing a private key file: its passphrase (`ssh-keygen -p`) and its comment (`-c`). Knows nothing of formats.
import type { Environment } from '../environment.ts'
import { FatalError, logLine } from '../fatal.ts'
import { nextLine } from '../askpass.ts'
import type { KeygenCall } from './call.ts'
import { existingFile, loadPrivate, savePrivate, savePublic } from './key-files.ts'
import { askTwice } from './new-passphrase.ts'
import type { Operation } from './operation.ts'
import { visible } from './shown.ts'

const newPassphrase = async (call: KeygenCall, environment: Environment): Promise<string> => {
  if (call.newPassphrase !== undefined) return call.newPassphrase
  const answer = await askTwice('Enter new passphrase (empty for no passphrase): ', environment)
  if (answer !== undefined) return answer
  environment.stdout.write('Pass phrases do not match.  Try again.\n')
  throw new FatalError('', 1)
}

export const changePassphrase: Operation = {
  name: 'change a passphrase',
  wanted: call => call.has('p'),
  async run(call, environment) {
    const path = await existingFile(call, environment)
    const question = { prompt: 'Enter old passphrase: ', passphrase: call.passphrase, failed: `Failed to load key ${path}` }
    const { key, comment } = await loadPrivate(path, question, call, environment)
    if (comment !== undefined) environment.stdout.write(`Key has comment '${visible(comment)}'\n`)
    if (call.options.length > 0) throw new FatalError(`FIDO-specific option requested for non-FIDO key ${path}`)
    const passphrase = await newPassphrase(call, environment)
    await savePrivate(key, path, { passphrase, comment: comment ?? '' }, call)
    environment.stdout.write('Your identification has been saved with the new passphrase.\n')
    return 0
  },
}

const newComment = async (call: KeygenCall, environment: Environment): Promise<string> => {
  if (call.comment !== undefined) return call.comment
  environment.stdout.write('New comment: ')
  const answer = await nextLine(environment.stdin)
  if (answer === undefined) throw new FatalError('', 1)
  return answer
}

export const changeComment: Operation = {
  name: 'change a comment',
  wanted: call => call.has('c'),
  async run(call, environment) {
    const path = await existingFile(call, environment)
    const given = call.passphrase ?? call.newPassphrase
    const question = { prompt: 'Enter passphrase: ', passphrase: given, failed: `Cannot load private key "${path}"` }
    const { key, comment: old, passphrase } = await loadPrivate(path, question, call, environment)
    if (key.type !== 'ssh-ed25519' && (call.format === 'PEM' || call.format === 'PKCS8')) {
      logLine(environment, 'Comments are only supported for keys stored in the new format (-o).')
      return 1
    }
    environment.stdout.write(old === undefined ? 'No existing comment\n' : `Old comment: ${visible(old)}\n`)
    const comment = await newComment(call, environment)
    if (comment === old) {
      environment.stdout.write('No change to comment\n')
      return 0
    }
    await savePrivate(key, path, { passphrase, comment }, call)
    savePublic(key.publicKey, `${path}.pub`, comment)
    environment.stdout.write(comment === '' ? 'Comment removed\n' : `Comment '${visible(comment)}' applied\n`)
    return 0
  },
}
