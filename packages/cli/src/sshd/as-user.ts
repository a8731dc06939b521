// Owns doing a short piece of synchronous work with another user's rights, so that root reads a user's files as that user
// does. Knows nothing of what is done.
import type { Account } from './account.ts'

/** Node has it; its types forget it. */
const { initgroups } = process as unknown as { readonly initgroups?: (user: string, group: number) => void }

/**
 * Runs `work` with the effective rights of `account`, then takes ours back. Without root it only runs `work`. `work` must
 * be synchronous and short: the whole process has those rights meanwhile.
 */
export const asUser = <T>(account: Account, work: () => T): T => {
  const { geteuid, getegid, getgroups, seteuid, setegid, setgroups } = process
  if (geteuid?.() !== 0 || account.uid === 0) return work()
  if (!getegid || !getgroups || !seteuid || !setegid || !setgroups || !initgroups) throw new TypeError('this system has no users')
  const group = getegid()
  const groups = getgroups()
  try {
    initgroups(account.name, account.gid)
    setegid(account.gid)
    seteuid(account.uid)
    return work()
  } finally {
    seteuid(0)
    setegid(group)
    setgroups(groups)
  }
}
