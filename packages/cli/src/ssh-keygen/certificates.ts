// Owns certificates: issuing them (`ssh-keygen -s`) and showing what they say (`-L`). Knows nothing of their bytes.
import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SshError } from 'nacre'
import { keyTypes, signatureAlgorithms } from 'nacre/algorithms'
import {
  describeCertificate,
  describeValidity,
  isCertificateType,
  issueCertificate,
  parseCertificate,
  parsePublicKey,
  type PublicKey,
  shortTypeName,
  type Signer,
} from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError, logLine } from '../fatal.ts'
import { UsageError } from '../getopt.ts'
import type { KeygenCall } from './call.ts'
import { readCertificateOptions, readValidity } from './certificate-options.ts'
import { existingFile, expandHome, keyAt, requirePublic, savePublic } from './key-files.ts'
import type { Operation } from './operation.ts'
import { agentSigner, fileSigner } from './signers.ts'
import { textOf } from './standard-input.ts'

const authorityOf = async (call: KeygenCall, environment: Environment): Promise<Signer> => {
  const path = expandHome(call.line.last('s') ?? '')
  if (call.has('D'))
    throw new FatalError('Keys of PKCS#11 libraries cannot be used here; load the key into an agent with ssh-add -s and use -U.')
  if (!call.has('U')) return await fileSigner(path, call, environment)
  const signer = await agentSigner(requirePublic(path, `Cannot load CA public key ${path}`), environment)
  if (signer === undefined) throw new FatalError(`CA key ${path} not found in agent`)
  return signer
}

/** The algorithm of -t, which must be one of the key's. */
const algorithmFor = (signer: Signer, call: KeygenCall): string | undefined => {
  const name = call.line.last('t')
  if (name === undefined) return undefined
  const { type } = signer.publicKey
  const named =
    signatureAlgorithms.find(each => each.name === name)?.keyType ??
    keyTypes.find(each => each.name === name || each.shortName === name.toUpperCase())?.name
  const same = named === type || (named?.startsWith('ecdsa-') === true && name.toLowerCase() === 'ecdsa' && type.startsWith('ecdsa-'))
  if (!same) throw new FatalError(`CA key type ${type} doesn't match specified ${name}`)
  return signer.algorithms.includes(name) ? name : undefined
}

const principalsOf = (call: KeygenCall): readonly string[] => {
  const names = call.line.last('n')
  if (names === undefined) return []
  const principals = names.split(',')
  if (principals.includes('')) throw new FatalError('Empty principal name')
  if (principals.length > 256) throw new FatalError('Too many certificate principals specified')
  return principals
}

type Terms = Omit<Parameters<typeof issueCertificate>[0], 'key' | 'serial'>

const certify = async (path: string, key: PublicKey, terms: Terms, serial: bigint): Promise<ReturnType<typeof parseCertificate>> => {
  if (isCertificateType(key.type)) throw new FatalError(`do_ca_sign: key "${path}" type ${shortTypeName(key.type)} cannot be certified`)
  try {
    return await issueCertificate({ ...terms, key, serial })
  } catch (error) {
    if (error instanceof SshError) throw new FatalError(`Couldn't certify key ${path}: ${error.message}`)
    throw error
  }
}

export const signCertificates: Operation = {
  name: 'issue certificates',
  wanted: call => call.has('s'),
  async run(call, environment) {
    if (call.operands.length === 0) throw new UsageError('Too few arguments.')
    const validity = readValidity(call.line.last('V'), BigInt(Math.trunc(Date.now() / 1000)))
    const keyId = call.line.last('I')
    if (keyId === undefined) throw new FatalError('Must specify key id (-I) when certifying')
    const names = call.line.last('n')
    if (names === undefined) logLine(environment, 'Warning: certificate will contain no principals (-n)')
    const kind = call.has('h') ? 'host' : 'user'
    const words = readCertificateOptions(call.options, kind === 'host')
    const signer = await authorityOf(call, environment)
    const algorithm = algorithmFor(signer, call)
    const terms: Terms = {
      ...words,
      ...validity,
      signer,
      ...(algorithm === undefined ? {} : { algorithm }),
      kind,
      keyId,
      principals: principalsOf(call),
      random: bytes => void randomFillSync(bytes),
    }
    for (const [index, operand] of call.operands.entries()) {
      const path = expandHome(operand)
      const serial = call.serial.first + (call.serial.counts ? BigInt(index) : 0n)
      const key = requirePublic(path, `load pubkey "${path}"`)
      const certificate = await certify(path, key, terms, serial)
      const output = `${path.replace(/\.pub$/, '')}-cert.pub`
      savePublic(parsePublicKey(certificate.blob), output, key.comment)
      if (call.quiet) continue
      const whom = names === undefined ? '' : ` for ${names}`
      logLine(environment, `Signed ${kind} key ${output}: id "${keyId}" serial ${serial}${whom} valid ${describeValidity(certificate)}`)
    }
    return 0
  },
}

export const showCertificates: Operation = {
  name: 'show certificates',
  wanted: call => call.has('L'),
  async run(call, environment) {
    const piped = call.file === '-'
    const path = piped ? '(stdin)' : await existingFile(call, environment, 'ssh-keygen: ')
    const text = piped ? await textOf(environment) : readFileSync(path, 'utf8')
    let shown = false
    for (const [index, raw] of text.split('\n').entries()) {
      const line = raw.replace(/^[ \t]+/, '')
      if (line === '' || line.startsWith('#')) continue
      const found = keyAt(line)
      if (found === undefined) logLine(environment, `${path}:${index + 1}: invalid key: invalid format`)
      else if (!isCertificateType(found.key.type)) logLine(environment, `${path}:${index + 1} is not a certificate`)
      else {
        shown = true
        const lines = describeCertificate(parseCertificate(found.key.blob), { hash: call.fingerprintHash })
        environment.stdout.write(`${!piped && index === 0 ? path : `${path}:${index + 1}`}:\n${lines.map(each => `${each}\n`).join('')}`)
      }
    }
    return shown ? 0 : 1
  },
}
