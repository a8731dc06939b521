// Owns `ssh-keygen -F`, `-H` and `-R`: finding, hashing and removing the lines of known_hosts. Knows nothing of what its lines say.
import { randomFillSync } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { findKnownHost, hashKnownHosts, type KnownHostsProblem, removeKnownHost, shortTypeName } from 'nacre/keys'
import { editTextFile } from 'nacre/keys/node'
import type { Environment } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { homeFolder, type KeygenCall } from './call.ts'
import type { Operation } from './operation.ts'
import { fingerprintOf, pictureOf, visible } from './shown.ts'

const random = (bytes: Uint8Array): void => void randomFillSync(bytes)

const pathOf = (call: KeygenCall): string => {
  const path = call.file ?? join(homeFolder(), '.ssh/known_hosts')
  try {
    statSync(path)
  } catch (error) {
    throw new FatalError(`Cannot stat ${path}: ${systemText(error)}`)
  }
  return path
}

const markers = { none: '', revoked: 'REVOKED', 'cert-authority': 'CA' } as const

const find = (call: KeygenCall, environment: Environment): number => {
  const path = pathOf(call)
  const name = call.line.last('F') ?? ''
  const found = findKnownHost(readFileSync(path, 'utf8'), name, call.has('H') ? { hash: random } : {})
  for (const { line, marker, lines, entry } of found) {
    if (!call.quiet) environment.stdout.write(`# Host ${name} found: line ${line} ${markers[marker]}\n`)
    if (call.has('l') && entry !== undefined) {
      const comment = entry.key.comment === '' ? '' : ` ${entry.key.comment}`
      const described = visible(`${name} ${shortTypeName(entry.key.type)} ${fingerprintOf(entry.key, call)}${comment}`)
      environment.stdout.write(`${described}\n${pictureOf(entry.key, call)}`)
    } else environment.stdout.write(lines.map(each => `${each}\n`).join(''))
  }
  return found.length > 0 ? 0 : 1
}

/** A file with lines nobody can read is not replaced. */
const refuseDamaged = (path: string, problems: readonly KnownHostsProblem[], environment: Environment): void => {
  if (problems.length === 0) return
  for (const { line } of problems) logLine(environment, `${path}:${line}: invalid line`)
  logLine(environment, `${path} is not a valid known_hosts file.`)
  throw new FatalError('Not replacing existing known_hosts file because of errors', 1)
}

const updated = (path: string, environment: Environment): void =>
  void environment.stdout.write(`${path} updated.\nOriginal contents retained as ${path}.old\n`)

const remove = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const path = pathOf(call)
  const name = call.line.last('R') ?? ''
  let removed: readonly number[] = []
  const edited = await editTextFile(
    path,
    text => {
      const result = removeKnownHost(text, name)
      refuseDamaged(path, result.problems, environment)
      removed = result.removed
      return result.text
    },
    { backup: true },
  )
  if (!call.quiet) for (const line of removed) environment.stdout.write(`# Host ${name} found: line ${line}\n`)
  if (edited.changed) updated(path, environment)
  else logLine(environment, `Host ${name} not found in ${path}`)
  return 0
}

const hash = async (call: KeygenCall, environment: Environment): Promise<number> => {
  const path = pathOf(call)
  let wildcards: readonly { readonly line: number; readonly names: string }[] = []
  const edited = await editTextFile(
    path,
    text => {
      const result = hashKnownHosts(text, random)
      refuseDamaged(path, result.problems, environment)
      wildcards = result.wildcards
      return result.text
    },
    { backup: true },
  )
  for (const { line, names } of wildcards)
    logLine(environment, `${path}:${line}: ignoring host name with wildcard: ${visible(names.slice(0, 64))}`)
  if (!edited.changed) return 0
  updated(path, environment)
  logLine(environment, `WARNING: ${path}.old contains unhashed entries`)
  logLine(environment, 'Delete this file to ensure privacy of hostnames')
  return 0
}

export const knownHosts: Operation = {
  name: 'find, hash or remove known hosts',
  wanted: call => call.has('R') || call.has('H') || call.has('F'),
  async run(call, environment) {
    if (call.has('F')) return find(call, environment)
    return call.has('R') ? await remove(call, environment) : await hash(call, environment)
  },
}
