// Owns writing down what a server announced of its host keys (UpdateHostKeys): the files, the question to a person, the proofs
// asked for before anything is believed. Knows nothing of how proofs are checked.
import { readFile } from 'node:fs/promises'
import type { Random } from '../crypto/provider.ts'
import { editTextFile } from '../keys/edit-file-node.ts'
import { type HostKeyNames, planHostKeyUpdate, replaceHostKeys } from '../keys/host-key-update.ts'
import { type KnownHostsEntry, type KnownHostsFile, parseKnownHosts } from '../keys/known-hosts.ts'
import type { PublicKey } from '../keys/public.ts'
import { shownKey } from './host-key-words.ts'
import type { KnownHostsOptions } from './known-hosts-options.ts'
import type { AnnouncedHostKeys } from './policy.ts'

export interface HostKeyUpdate {
  readonly names: HostKeyNames
  /** What the person calls the server. */
  readonly shown: string
  readonly hash: Random | undefined
}

/** The file, or `undefined` when there is none: none is made for this. */
const readKnown = async (path: string, onNote: (note: string) => void): Promise<KnownHostsFile | undefined> => {
  try {
    return parseKnownHosts(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) onNote(`${path} cannot be read: ${String(error)}`)
    return undefined
  }
}

const question = (
  shown: string,
  learned: readonly PublicKey[],
  gone: readonly KnownHostsEntry[],
  hash: KnownHostsOptions['fingerprintHash'],
): string =>
  [
    `The server ${shown} has updated its host keys. These changes were verified by its existing trusted key.`,
    ...learned.map(key => `New: ${shownKey(key, hash)}`),
    ...gone.map(({ key, file, line }) => `No longer used: ${shownKey(key, hash)} (${file} line ${line})`),
    'Accept updated host keys? (yes/no): ',
  ].join('\n')

/** New keys go into the first file alone, and no file is made for this. */
const edit = async (files: readonly KnownHostsFile[], first: string | undefined, keys: readonly PublicKey[], update: HostKeyUpdate) => {
  const { names, hash } = update
  for (const { path } of files)
    await editTextFile(path, text => replaceHostKeys(text, names, keys, { hash, add: path === first }), { backup: true })
}

/** Brings the files of the user up to date. Never rejects: whatever goes wrong is told, and the connection goes on. */
export const updateHostKeys = async (announced: AnnouncedHostKeys, update: HostKeyUpdate, options: KnownHostsOptions): Promise<void> => {
  const note = (text: string): void => options.onNote?.(`UpdateHostKeys: ${text}`)
  try {
    const keys = announced.keys.filter(key => options.accepts?.(key) ?? true)
    const read = await Promise.all(options.files.map(path => readKnown(path, note)))
    const files = read.filter(each => each !== undefined)
    const plan = planHostKeyUpdate(files, update.names, keys)
    if (plan.is === 'nothing') return note('nothing is new')
    if (plan.is === 'left') return note(`nothing is changed, because ${plan.why}`)
    const proven = plan.unknown.length === 0 ? [] : await announced.prove(plan.unknown)
    const sure = keys.filter(key => !plan.unknown.includes(key) || proven.includes(key))
    if (proven.length === 0 && plan.deprecated.length === 0) return note('no new key was proven')
    if (
      options.update === 'ask' &&
      !((await options.confirm?.(question(update.shown, proven, plan.deprecated, options.fingerprintHash))) ?? false)
    )
      return note('it was not accepted')
    for (const key of proven) note(`learned ${shownKey(key, options.fingerprintHash)}`)
    for (const { key, file, line } of plan.deprecated) note(`forgot ${shownKey(key, options.fingerprintHash)} of ${file} line ${line}`)
    await edit(files, options.files[0], sure, update)
  } catch (error) {
    options.onWarning?.(`The host keys of ${update.shown} were not updated: ${error instanceof Error ? error.message : String(error)}`)
  }
}
