// Owns signatures of files: `ssh-keygen -Y` and what stands behind it. Knows nothing of their bytes.
import { createReadStream, existsSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs'
import { SshError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import {
  certifiedSigner,
  type FileHash,
  findPrincipals,
  formatPublicKeyLine,
  isCertificateType,
  matchPrincipals,
  parseAbsoluteTime,
  parseAllowedSigners,
  parseCertificate,
  parseRevokedKeys,
  parseSignatureFile,
  type PublicKey,
  shortTypeName,
  type SignatureFile,
  type SignedData,
  type Signer,
  signFile,
  verifyFile,
  verifySignedFile,
} from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { UsageError } from '../getopt.ts'
import type { KeygenCall, KeygenLetter } from './call.ts'
import { loadPublic } from './key-files.ts'
import { mayOverwrite } from './make.ts'
import type { Operation } from './operation.ts'
import { agentSigner, fileSigner } from './signers.ts'
import { bytesOf } from './standard-input.ts'

const failed = 255

/** The value of a letter that must be there. Throws `FatalError` with 1. */
const needed = (call: KeygenCall, letter: KeygenLetter, complaint: string): string => {
  const value = call.line.last(letter)
  if (value === undefined || (letter === 'n' && value === '')) throw new FatalError(complaint, 1)
  return value
}

interface SignatureOptions {
  readonly hash: FileHash | undefined
  /** Milliseconds since 1970. */
  readonly time: number
  readonly printKey: boolean
}

/** -O, as far as an operation has them. */
const readOptions = (call: KeygenCall, allowed: readonly ('hashalg' | 'verify-time' | 'print-pubkey')[]): SignatureOptions => {
  let hash: FileHash | undefined
  let time = Date.now()
  let printKey = false
  for (const option of call.options) {
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(option) ?? []
    const known = allowed.find(each => each === name.toLowerCase() && (each === 'print-pubkey') === (value === undefined))
    if (known === undefined) throw new FatalError(`Invalid option "${option}"`)
    if (known === 'print-pubkey') printKey = true
    else if (known === 'hashalg') {
      if (value !== 'sha256' && value !== 'sha512') throw new FatalError(`Signing failed: unsupported hash algorithm "${value}"`)
      hash = value
    } else {
      const at = parseAbsoluteTime(value ?? '')
      if (at === undefined || at <= 0) throw new FatalError('Invalid "verify-time" option')
      time = at
    }
  }
  return { hash, time, printKey }
}

// ── signing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The signer for -f, which may name a private key, a public one or a certificate; an agent that has the key goes first. */
const signerFor = async (path: string, call: KeygenCall, environment: Environment): Promise<Signer> => {
  const shown = loadPublic(path)
  if (shown === undefined) throw new FatalError(`Couldn't load public key ${path}: No such file or directory`)
  const inAgent = await agentSigner(shown, environment)
  if (inAgent !== undefined) return inAgent
  if (call.has('U')) throw new FatalError("Couldn't find key in agent")
  const secret = path.replace(/(-cert)?\.pub$/, '')
  if (secret !== path && !existsSync(secret)) throw new FatalError(`No private key found for public key "${path}"`)
  const signer = await fileSigner(secret, call, environment)
  const certificate = isCertificateType(shown.type) ? parseCertificate(shown.blob) : undefined
  if (!(certificate?.key ?? shown).equals(signer.publicKey)) throw new FatalError(`Public key ${path} doesn't match private ${secret}`)
  return certificate === undefined ? signer : certifiedSigner(signer, certificate)
}

const signOne = async (file: string, data: SignedData, signer: Signer, call: KeygenCall): Promise<string> => {
  const { hash } = readOptions(call, ['hashalg'])
  try {
    return await signFile(nodeCrypto(), signer, data, { namespace: call.line.last('n') ?? '', ...(hash === undefined ? {} : { hash }) })
  } catch (error) {
    if (error instanceof SshError) throw new FatalError(`Signing ${file} failed: ${error.message}`)
    throw error
  }
}

const signPath = async (path: string, signer: Signer, call: KeygenCall, environment: Environment): Promise<void> => {
  try {
    closeSync(openSync(path, 'r'))
  } catch (error) {
    throw new FatalError(`Cannot open ${path} for signing: ${systemText(error)}`)
  }
  const say = (text: string): void => void (call.quiet || environment.stderr.write(text))
  say(`Signing file ${path}\n`)
  const signature = await signOne(path, createReadStream(path), signer, call)
  const output = `${path}.sig`
  if (!(await mayOverwrite(output, environment))) return
  try {
    writeFileSync(output, signature)
  } catch (error) {
    throw new FatalError(`Cannot open ${output}: ${systemText(error)}`)
  }
  say(`Write signature to ${output}\n`)
}

const sign = async (call: KeygenCall, environment: Environment): Promise<number> => {
  needed(call, 'n', 'Too few arguments for sign: missing namespace')
  const path = needed(call, 'f', 'Too few arguments for sign: missing key')
  const { operands } = call
  if (operands.includes('-') && operands.length > 1) throw new FatalError('Cannot sign mix of paths and standard input')
  readOptions(call, ['hashalg'])
  const signer = await signerFor(path, call, environment)
  if (operands.length > 0 && operands[0] !== '-') {
    for (const operand of operands) await signPath(operand, signer, call, environment)
    return 0
  }
  if (!call.quiet) environment.stderr.write('Signing data on standard input\n')
  environment.stdout.write(await signOne('(stdin)', bytesOf(environment), signer, call))
  return 0
}

// ── verifying ───────────────────────────────────────────────────────────────────────────────────────────────────────

const readSignature = (path: string): SignatureFile => {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    throw new FatalError(`Couldn't read signature file: ${systemText(error)}`)
  }
  try {
    return parseSignatureFile(text)
  } catch (error) {
    if (error instanceof SshError) throw new FatalError(`sshsig_armor: ${error.message}`)
    throw error
  }
}

const readAllowed = (path: string): ReturnType<typeof parseAllowedSigners> => {
  try {
    return parseAllowedSigners(readFileSync(path, 'utf8'), path)
  } catch (error) {
    throw new FatalError(`Unable to open allowed keys file "${path}": ${systemText(error)}`)
  }
}

const readRevoked = (path: string): ReturnType<typeof parseRevokedKeys> => {
  try {
    return parseRevokedKeys(readFileSync(path), path)
  } catch (error) {
    throw new FatalError(error instanceof SshError ? error.message : `${path}: ${systemText(error)}`)
  }
}

/** What is right is told on standard output, what is wrong there too, and why on standard error. */
const verdict = async (
  ask: () => Promise<{ readonly key: PublicKey; readonly printKey: boolean } | string>,
  whose: { readonly namespace: string; readonly principal: string | undefined },
  call: KeygenCall,
  environment: Environment,
): Promise<number> => {
  const say = (text: string): void => void (call.quiet || environment.stdout.write(text))
  let result: Awaited<ReturnType<typeof ask>>
  try {
    result = await ask()
  } catch (error) {
    if (!(error instanceof FatalError)) throw error
    result = error.message
  }
  if (typeof result === 'string') {
    logLine(environment, result)
    say('Could not verify signature.\n')
    return failed
  }
  const { key, printKey } = result
  const whom = whose.principal === undefined ? '' : ` for ${whose.principal}`
  say(`Good "${whose.namespace}" signature${whom} with ${shortTypeName(key.type)} key ${key.fingerprint(call.fingerprintHash)}\n`)
  if (printKey) environment.stdout.write(`${formatPublicKeyLine(key, '')}\n`)
  return 0
}

const check = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const namespace = needed(call, 'n', 'Too few arguments for check-novalidate: missing namespace')
  const path = needed(call, 's', 'Too few arguments for check-novalidate: missing signature file')
  const ask = async () => {
    const { printKey } = readOptions(call, ['verify-time', 'print-pubkey'])
    const result = await verifyFile(nodeCrypto(), bytesOf(environment), readSignature(path), { namespace, minimumRsaBits: 1024 })
    return result.is === 'right' ? { key: result.key, printKey } : result.message
  }
  return await verdict(ask, { namespace, principal: undefined }, call, environment)
}

const verify = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const namespace = needed(call, 'n', 'Too few arguments for verify: missing namespace')
  const path = needed(call, 's', 'Too few arguments for verify: missing signature file')
  const allowed = needed(call, 'f', 'Too few arguments for sign: missing allowed keys file')
  const principal = needed(call, 'I', 'Too few arguments for verify: missing principal identity')
  const revoked = call.line.last('r')
  const ask = async () => {
    const { time, printKey } = readOptions(call, ['verify-time', 'print-pubkey'])
    const result = await verifySignedFile(nodeCrypto(), bytesOf(environment), readSignature(path), {
      namespace,
      principal,
      time,
      minimumRsaBits: 1024,
      allowedSigners: readAllowed(allowed),
      ...(revoked === undefined ? {} : { revoked: readRevoked(revoked) }),
    })
    return result.is === 'right' ? { key: result.key, printKey } : result.message
  }
  return await verdict(ask, { namespace, principal }, call, environment)
}

const nobody = 'No principal matched.\n'

const find = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const path = needed(call, 's', 'Too few arguments for find-principals:missing signature file')
  const allowed = needed(call, 'f', 'Too few arguments for find-principals:missing allowed keys file')
  let found: readonly string[] = []
  try {
    const { time } = readOptions(call, ['verify-time'])
    found = findPrincipals(nodeCrypto(), readAllowed(allowed), readSignature(path).publicKey, { time, minimumRsaBits: 1024 })
  } catch (error) {
    if (!(error instanceof FatalError)) throw error
    logLine(environment, error.message)
  }
  if (found.length === 0) environment.stderr.write(nobody)
  environment.stdout.write(found.map(each => `${each}\n`).join(''))
  return found.length > 0 ? 0 : failed
}

/** What ssh-keygen ends with when nobody is found: the code of its own for a key that is not there. */
const notFound = 210

const match = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const allowed = needed(call, 'f', 'Too few arguments for match-principals:missing allowed keys file')
  const principal = needed(call, 'I', 'Too few arguments for match-principals: missing principal ID')
  readOptions(call, [])
  const found = matchPrincipals(readAllowed(allowed), principal)
  if (found.length === 0) environment.stderr.write(nobody)
  environment.stdout.write(found.map(each => `${each}\n`).join(''))
  return found.length > 0 ? 0 : notFound
}

const actions: Readonly<Record<string, (call: KeygenCall, environment: Environment) => Promise<number>>> = {
  'find-principals': find,
  'match-principals': match,
  sign,
  'check-novalidate': check,
  verify,
}

export const fileSignatures: Operation = {
  name: 'sign files and check signatures',
  wanted: call => call.has('Y'),
  async run(call, environment) {
    const name = call.line.last('Y') ?? ''
    if (!Object.hasOwn(actions, name)) throw new UsageError(`Unsupported operation for -Y: "${name}"`)
    return await actions[name](call, environment)
  },
}
