// Owns who runs this program, as the system knows them. Knows nothing of what the name is for.
import { userInfo } from 'node:os'
import { ConfigError } from '../errors.ts'

export interface OwnAccount {
  readonly username: string
  readonly uid: number
}

/** Throws `ConfigError` where the system has no account of that number, as in a container that runs under any. */
export const ownAccount = (look: () => OwnAccount = () => userInfo()): OwnAccount => {
  try {
    return look()
  } catch (error) {
    throw new ConfigError(
      `This program runs as user number ${process.getuid?.() ?? 'unknown'}, for which this machine has no account, so it has no name to go by. Add a line for it to /etc/passwd, or run as somebody else.`,
      {},
      { cause: error },
    )
  }
}
