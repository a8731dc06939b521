// Owns making the agent forget keys and certificates, with OpenSSH's words. Knows nothing of how files are read.
import { AgentError, SshError } from 'nacre'
import { isCertificateType, parsePublicKeyLine, type PublicKey, shortTypeName } from 'nacre/keys'
import { FatalError, logLine } from '../fatal.ts'
import { certificateBeside, loadPublicKey } from './files.ts'
import { type Job, reason, say, shown } from './job.ts'

const removeOne = async (
  job: Job,
  key: { readonly blob: Uint8Array; readonly type: string },
  comment: string,
  path: string,
): Promise<boolean> => {
  try {
    await job.agent.remove(key.blob)
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    say(job, `Could not remove identity "${path}": ${reason(error, job)}`)
    return false
  }
  if (!job.settings.quiet)
    say(job, `Identity removed: ${path} ${shortTypeName(key.type)} (${comment === '' ? 'no comment' : shown(comment)})`)
  return true
}

const wanted = ({ settings }: Job, key: PublicKey): boolean => {
  const { keysOnly, certificatesOnly } = settings
  return (!keysOnly && !certificatesOnly) || (isCertificateType(key.type) ? certificatesOnly : keysOnly)
}

const removeListed = async (job: Job): Promise<boolean> => {
  let done = false
  let text = ''
  for await (const piece of job.environment.stdin) text += String(piece)
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    try {
      const key = parsePublicKeyLine(line)
      if (wanted(job, key) && (await removeOne(job, key, key.comment, '(stdin)'))) done = true
    } catch (error) {
      if (!(error instanceof SshError) || error instanceof AgentError) throw error
      logLine(job.environment, `(stdin):${index + 1}: invalid key: ${reason(error, job)}`)
    }
  }
  return done
}

/** Removes the key of a file and the certificate beside it; `-` is a list on standard input. False when none was removed. */
export const removeFile = async (job: Job, file: string): Promise<boolean> => {
  if (file === '-') return removeListed(job)
  let key: PublicKey
  try {
    key = loadPublicKey(file)
  } catch (error) {
    job.environment.stdout.write(`Bad key file ${file}: ${reason(error, job)}\n`)
    return false
  }
  let done = wanted(job, key) && (await removeOne(job, key, key.comment, file))
  if (job.settings.keysOnly) return done
  const beside = certificateBeside(file, job)
  if (beside === undefined) return done
  const { certificate, comment } = beside
  const path = `${file}-cert.pub`
  if (!isCertificateType(key.type) && !certificate.key.equals(key))
    throw new FatalError(`Certificate ${path} does not match private key ${file}`)
  if (await removeOne(job, certificate, comment, path)) done = true
  return done
}

export const removeAll = async (job: Job): Promise<boolean> => {
  let done = true
  try {
    await job.agent.removeAll()
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    done = false
  }
  // Old agents keep the keys of SSH 1 apart; others refuse, which is no failure.
  if (done) await job.agent.removeAllOfVersion1().catch(() => {})
  if (!done) say(job, 'Failed to remove all identities.')
  else if (!job.settings.quiet) say(job, 'All identities removed.')
  return done
}
