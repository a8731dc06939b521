// Owns `ssh-keygen -r`: SSHFP records of a key file, or of this machine's host keys. Knows nothing of DNS.
import { statSync } from 'node:fs'
import type { Environment } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { readRecordHash, recordLines } from '../sshfp.ts'
import type { KeygenCall } from './call.ts'
import { hostKeyFiles } from './host-keys.ts'
import { loadPublic } from './key-files.ts'
import type { Operation } from './operation.ts'

/** The hash of -O hashalg=…; nothing is printed for an option that means nothing here. */
const hashOf = (call: KeygenCall, environment: Environment): { readonly hash: string | undefined } | undefined => {
  let hash: string | undefined
  for (const option of call.options) {
    if (!/^hashalg=/i.test(option)) {
      logLine(environment, `Invalid option "${option}"`)
      return undefined
    }
    hash = readRecordHash(option.slice('hashalg='.length))
  }
  return { hash }
}

const recordsOf = (path: string, call: KeygenCall, environment: Environment): string => {
  const form = hashOf(call, environment)
  if (form === undefined) return ''
  const key = loadPublic(path)
  if (key === undefined) throw new FatalError(`Failed to read v2 public key from "${path}": No such file or directory`)
  return recordLines(key, call.line.last('r') ?? '', { ...form, generic: call.has('g') }, environment)
}

/** What is wrong with a file, or `undefined`. */
const missing = (path: string): string | undefined => {
  try {
    statSync(path)
    return undefined
  } catch (error) {
    return systemText(error)
  }
}

export const printRecords: Operation = {
  name: 'print SSHFP records',
  wanted: call => call.has('r'),
  async run(call, environment) {
    if (call.file !== undefined) {
      const why = missing(call.file)
      if (why !== undefined) throw new FatalError(`${call.file}: ${why}`)
      environment.stdout.write(recordsOf(call.file, call, environment))
      return 0
    }
    const there = hostKeyFiles.slice(0, 3).filter(({ path }) => missing(path) === undefined)
    if (there.length === 0) throw new FatalError('no keys found.')
    for (const { path } of there) environment.stdout.write(recordsOf(path, call, environment))
    return 0
  },
}
