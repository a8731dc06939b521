// Owns ExposeAuthInfo: what a login was let in by, a line for each proof, in a file that its sessions can read. Knows nothing of how
// proofs were checked.
import { randomBytes } from 'node:crypto'
import { constants, openSync, closeSync, rmSync, writeSync } from 'node:fs'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'
import { type Login, proofsOf } from './login.ts'

/** `publickey ssh-ed25519 AAAA…` or `password`, in the order in which the proofs were asked for. */
export const authInfoLines = (login: Login): readonly string[] =>
  proofsOf(login).map(({ method, publicKey, about }) => [method, publicKey, about].filter(each => each !== undefined).join(' '))

/** Writes the lines where only the account can read them; `remove` takes the file away if it can. Throws what the system says. */
export const writeAuthInfo = (account: Account, lines: readonly string[]): { readonly path: string; remove(): void } => {
  const path = `/tmp/sshauth.${randomBytes(12).toString('hex')}`
  asUser(account, () => {
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
    try {
      writeSync(descriptor, lines.map(line => `${line}\n`).join(''))
    } finally {
      closeSync(descriptor)
    }
  })
  const remove = (): void => {
    try {
      asUser(account, () => rmSync(path, { force: true }))
    } catch {
      // Whoever it belongs to may have put something else there.
    }
  }
  return { path, remove }
}
