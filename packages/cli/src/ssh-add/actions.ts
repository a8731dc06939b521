// Owns what `ssh-add` does besides adding and removing: listing, testing, locking, tokens. Knows nothing of files but public keys.
import { randomBytes } from 'node:crypto'
import { AgentError, SshError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import { keyTypes, signatureAlgorithms } from 'nacre/algorithms'
import { isCertificateType, parseCertificate, plainTypeOf, type PublicKey, shortTypeName, verifySignature } from 'nacre/keys'
import { askPassphrase } from '../askpass.ts'
import { FatalError, logLine } from '../fatal.ts'
import { loadPublicKey } from './files.ts'
import { type Job, reason, say, shown } from './job.ts'

/** -l and -L. False when there is nothing to list. */
export const list = async (job: Job, how: 'l' | 'L'): Promise<boolean> => {
  const { stdout } = job.environment
  let keys: Awaited<ReturnType<Job['agent']['list']>>
  try {
    keys = await job.agent.list()
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    say(job, `error fetching identities: ${reason(error, job)}`)
    return false
  }
  if (keys.length === 0) {
    stdout.write('The agent has no identities.\n')
    return false
  }
  for (const { publicKey: key, comment } of keys) {
    if (how === 'L') stdout.write(`${key.type} ${Buffer.from(key.blob).toString('base64')} ${shown(comment)}\n`)
    else stdout.write(`${key.bits} ${key.fingerprint(job.settings.hash)} ${shown(comment)} (${shortTypeName(key.type)})\n`)
  }
  return true
}

const signatureIsRight = (key: PublicKey, algorithm: string, data: Uint8Array, signature: Uint8Array): boolean =>
  verifySignature(
    nodeCrypto(),
    { signatures: signatureAlgorithms, keyTypes },
    {
      publicKey: isCertificateType(key.type) ? parseCertificate(key.blob).key.blob : key.blob,
      algorithm,
      data,
      signature,
      minimumRsaBits: 1024,
    },
  )

const testKey = async (job: Job, file: string): Promise<boolean> => {
  const data = new Uint8Array(randomBytes(1024))
  let key: PublicKey
  try {
    key = loadPublicKey(file)
  } catch (error) {
    logLine(job.environment, `Couldn't read public key ${file}: ${reason(error, job)}`)
    return false
  }
  const type = plainTypeOf(key.type)
  const algorithm = type === 'ssh-rsa' ? 'rsa-sha2-256' : type
  try {
    const signature = await job.agent.sign(key.blob, data, algorithm)
    if (signatureIsRight(key, algorithm, data, signature)) return true
    logLine(job.environment, `Signature verification failed for ${file}: incorrect signature`)
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    logLine(job.environment, `Agent signature failed for ${file}: ${reason(error, job)}`)
  }
  return false
}

/** -T: whether the agent signs with each of the keys. */
export const test = async (job: Job, files: readonly string[]): Promise<boolean> => {
  if (files.length === 0) throw new FatalError('no keys to test')
  let right = true
  for (const file of files) if (!(await testKey(job, file))) right = false
  return right
}

/** -x and -X. */
export const lockOrUnlock = async (job: Job, how: 'x' | 'X'): Promise<boolean> => {
  const un = how === 'x' ? '' : 'un'
  const passphrase = await askPassphrase('Enter lock password: ', job.environment)
  if (how === 'x' && (await askPassphrase('Again: ', job.environment)) !== passphrase) {
    say(job, 'Passwords do not match.')
    return false
  }
  try {
    await (how === 'x' ? job.agent.lock(passphrase) : job.agent.unlock(passphrase))
    say(job, `Agent ${un}locked.`)
    return true
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    say(job, `Failed to ${un}lock agent: ${reason(error, job)}`)
    return false
  }
}

/** -Q. */
export const query = async (job: Job): Promise<boolean> => {
  try {
    for (const name of await job.agent.query()) job.environment.stdout.write(`${shown(name)}\n`)
    return true
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    throw new FatalError(`unable to query supported extensions: ${reason(error, job)}`)
  }
}

/** -s and -e: the agent opens the PKCS#11 library; nothing of it is needed here. */
export const updateCard = async (job: Job, how: 'add' | 'remove', library: string, files: readonly string[]): Promise<boolean> => {
  const { lifetime, confirm, keysOnly, certificatesOnly, quiet } = job.settings
  const certificates = files.map(file => {
    try {
      return loadPublicKey(file).blob
    } catch (error) {
      throw new FatalError(`load certificate ${file}: ${reason(error, job)}`)
    }
  })
  try {
    if (how === 'remove') await job.agent.removeCard(library)
    else
      await job.agent.addCard(library, await askPassphrase('Enter passphrase for PKCS#11: ', job.environment), {
        ...(lifetime === undefined ? {} : { lifetime }),
        ...(confirm ? { confirm } : {}),
        ...(job.destinations.length === 0 ? {} : { destinations: job.destinations }),
        ...(certificates.length === 0 || keysOnly ? {} : { associatedCertificates: { certificatesOnly, certificates } }),
      })
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    say(job, `Could not ${how} card "${library}": ${reason(error, job)}`)
    return false
  }
  if (!quiet) say(job, `Card ${how === 'add' ? 'added' : 'removed'}: ${library}`)
  return true
}
