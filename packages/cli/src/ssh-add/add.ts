// Owns giving keys and certificates to the agent, with OpenSSH's words. Knows nothing of where they come from.
import { SshError } from 'nacre'
import type { KeyConstraints } from 'nacre/agent'
import { type Certificate, forever, type PrivateKey } from 'nacre/keys'
import { logLine } from '../fatal.ts'
import { shownTimeSpan } from '../time-span.ts'
import { certificateBeside, loadPrivate } from './files.ts'
import { type Job, reason, say, shown } from './job.ts'

/** A certificate stays so long in the agent after it has expired, since clocks differ. Seconds. */
const expiryGrace = 300n
const longestLifetime = 0x7fffffffn

/** Seconds a certificate is held, `undefined` for ever, or `expired`. */
export const certificateLifetime = (
  { validBefore }: Pick<Certificate, 'validBefore'>,
  lifetime: number | undefined,
  now: number,
): number | undefined | 'expired' => {
  if (validBefore === forever) return lifetime
  const left = validBefore + expiryGrace - BigInt(Math.floor(now / 1000))
  if (left < 0n) return 'expired'
  const most = Number(left < longestLifetime ? left : longestLifetime)
  return lifetime === undefined ? most : Math.min(lifetime, most)
}

const unreachable =
  'The key lies in a security key: the agent must be able to reach that by itself, or by the library of -S. nacre ssh-agent cannot.'

const sayConstraints = (job: Job, lifetime: number | undefined): void => {
  if (lifetime !== undefined) say(job, `Lifetime set to ${shownTimeSpan(lifetime)}`)
  if (job.settings.confirm) say(job, 'The user must confirm each use of the key')
}

const constraintsOf = (job: Job, key: PrivateKey, lifetime: number | undefined): KeyConstraints => ({
  ...(lifetime === undefined ? {} : { lifetime }),
  ...(job.settings.confirm ? { confirm: true } : {}),
  ...(key.type.startsWith('sk-') ? { skProvider: job.settings.skProvider } : {}),
  ...(job.destinations.length === 0 ? {} : { destinations: job.destinations }),
})

const addKey = async (job: Job, key: PrivateKey, name: string, comment: string): Promise<boolean> => {
  const { lifetime, quiet } = job.settings
  try {
    await job.agent.add({ key, certificate: undefined }, comment, constraintsOf(job, key, lifetime))
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    say(job, `Could not add identity "${name}": ${reason(error, job)}`)
    // The agent cannot say why, and the usual reason is not one to guess.
    if (key.type.startsWith('sk-') && error.code === 'AGENT_REFUSED') say(job, unreachable)
    return false
  }
  if (!quiet) {
    say(job, `Identity added: ${name} (${shown(comment)})`)
    sayConstraints(job, lifetime)
  }
  return true
}

/** The certificate beside a key. False when there is none, or it was not taken. */
const addCertificate = async (job: Job, key: PrivateKey, name: string, comment: string): Promise<boolean> => {
  const { environment, settings } = job
  const path = `${name}-cert.pub`
  const certificate = certificateBeside(name, job)?.certificate
  const failed = (text: string): false => {
    logLine(environment, text)
    return false
  }
  if (certificate === undefined) return false
  if (!certificate.key.equals(key.publicKey)) return failed(`Certificate ${path} does not match private key ${name}`)
  const lifetime = settings.keepExpired ? settings.lifetime : certificateLifetime(certificate, settings.lifetime, Date.now())
  if (lifetime === 'expired') return failed(`Certificate ${path} has already expired; ignored`)
  try {
    await job.agent.add({ key, certificate }, comment, constraintsOf(job, key, lifetime))
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    return failed(`Certificate ${path} (${shown(certificate.keyId)}) add failed: ${reason(error, job)}`)
  }
  if (settings.quiet) return true
  say(job, `Certificate added: ${path} (${shown(certificate.keyId)})`)
  sayConstraints(job, lifetime)
  return true
}

/** Adds the key of a file and the certificate beside it. False when the key was not added, or of certificates only no certificate. */
export const addFile = async (job: Job, file: string): Promise<boolean> => {
  const loaded = await loadPrivate(file, job)
  if (loaded === undefined) return false
  const { key, name } = loaded
  const comment = key.comment === '' ? name : key.comment
  const { certificatesOnly, keysOnly } = job.settings
  const keyAdded = !certificatesOnly && (await addKey(job, key, name, comment))
  const certificateAdded = !keysOnly && (await addCertificate(job, key, name, comment))
  // A key without its certificate is still what was asked for.
  return certificatesOnly ? certificateAdded : keyAdded
}
