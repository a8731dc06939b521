// Owns key revocation lists: making and adding to them (`ssh-keygen -k`), and asking them (`-Q`). Knows nothing of their bytes.
import { existsSync, readFileSync } from 'node:fs'
import { RevocationListError } from 'nacre'
import {
  emptyKrl,
  formatKrl,
  isKrl,
  isRevoked,
  type KeyRevocationList,
  parseKrl,
  parseRevocations,
  type Revocation,
  reviseKrl,
  writeKrl,
} from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError, systemText } from '../fatal.ts'
import type { KeygenCall } from './call.ts'
import { expandHome, replaceFile, requirePublic } from './key-files.ts'
import type { Operation } from './operation.ts'
import { visible } from './shown.ts'
import { textOf } from './standard-input.ts'

const loadKrl = (path: string): KeyRevocationList => {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new FatalError(`Unable to load KRL ${path}: ${systemText(error)}`)
  }
  if (!isKrl(bytes)) throw new FatalError(`Invalid KRL file ${path}: KRL file has invalid magic number`)
  try {
    return parseKrl(bytes)
  } catch (error) {
    if (error instanceof RevocationListError) throw new FatalError(`Invalid KRL file ${path}: ${error.message}`)
    throw error
  }
}

/** Whose certificates serials and names are about: a key, anybody's, or nobody's. */
const authorityOf = (call: KeygenCall): Parameters<typeof parseRevocations>[1] => {
  const named = call.line.last('s')
  if (named === undefined) return {}
  if (named.toLowerCase() === 'none') return { authority: 'any' }
  const path = expandHome(named)
  return { authority: requirePublic(path, `Cannot load CA public key ${path}`) }
}

const readRevocations = async (
  operand: string,
  whose: Parameters<typeof parseRevocations>[1],
  call: KeygenCall,
  environment: Environment,
): Promise<readonly Revocation[]> => {
  const path = operand === '-' ? '(standard input)' : expandHome(operand)
  let text: string
  try {
    text = operand === '-' ? await textOf(environment) : readFileSync(path, 'utf8')
  } catch (error) {
    throw new FatalError(`fopen ${path}: ${systemText(error)}`)
  }
  if (!call.quiet) environment.stdout.write(`Revoking from ${path}\n`)
  try {
    return parseRevocations(text, { ...whose, path })
  } catch (error) {
    if (error instanceof RevocationListError) throw new FatalError(error.message)
    throw error
  }
}

export const makeRevocationList: Operation = {
  name: 'make a revocation list',
  wanted: call => call.has('k'),
  async run(call, environment) {
    const { file } = call
    if (file === undefined) throw new FatalError('KRL generation requires an output file')
    if (call.has('u') && !existsSync(file)) throw new FatalError(`KRL "${file}" does not exist`)
    const whose = authorityOf(call)
    const list = call.has('u') ? loadKrl(file) : emptyKrl
    const add: Revocation[] = []
    for (const operand of call.operands) add.push(...(await readRevocations(operand, whose, call, environment)))
    const revised = reviseKrl(list, {
      add,
      version: call.serial.first === 0n ? list.version : call.serial.first,
      generated: BigInt(Math.trunc(Date.now() / 1000)),
      ...(call.comment === undefined ? {} : { comment: call.comment }),
    })
    try {
      replaceFile(file, writeKrl(revised), 0o644 & ~process.umask())
    } catch (error) {
      throw new FatalError(`write ${file}: ${systemText(error)}`)
    }
    return 0
  },
}

export const askRevocationList: Operation = {
  name: 'ask a revocation list',
  wanted: call => call.has('Q'),
  async run(call, environment) {
    if (call.file === undefined) throw new FatalError('KRL checking requires an input file')
    const list = loadKrl(call.file)
    if (call.has('l')) environment.stdout.write(formatKrl(list))
    let code = 0
    for (const path of call.operands) {
      const key = requirePublic(path, `Cannot load public key ${path}`)
      const revoked = isRevoked(list, key) !== undefined
      if (revoked) code = 1
      environment.stdout.write(`${path}${key.comment === '' ? '' : ` (${visible(key.comment)})`}: ${revoked ? 'REVOKED' : 'ok'}\n`)
    }
    return code
  },
}
