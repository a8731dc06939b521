// Owns handing the agent a key from a file that is about to sign (AddKeysToAgent), so that its passphrase is asked for once.
// Whatever goes wrong there is a note: the login goes on. Knows nothing of how files are read.
import type { AgentClient } from '../agent/client.ts'
import { escapeForPeople } from '../errors.ts'
import type { PrivateKey } from '../keys/private.ts'

interface AddedKeys {
  /** `yes` adds, `ask` asks first, `confirm` has the agent ask before each use. */
  readonly mode: 'yes' | 'ask' | 'confirm'
  /** Seconds until the agent forgets the key; 0, the default, for never. */
  readonly seconds?: number
}

export interface AddKeysOptions {
  readonly addKeysToAgent?: AddedKeys
  /** Asked before a key is given to the agent, where `addKeysToAgent` says `ask`. Without it, no. */
  readonly askToAddKey?: (question: string) => boolean | Promise<boolean>
  readonly onNote?: (note: string) => void
}

/**
 * What is to be done with a key of a file when it is first used; `undefined` when nothing is. `reach` connects to the agent, or
 * resolves with `undefined` where there is none. The result never rejects.
 */
export const addingToAgent = (
  options: AddKeysOptions,
  reach: () => Promise<AgentClient | undefined>,
): ((path: string) => (key: PrivateKey) => Promise<void>) | undefined => {
  const { addKeysToAgent: wanted, askToAddKey, onNote } = options
  if (wanted === undefined) return undefined
  const add = async (path: string, key: PrivateKey): Promise<void> => {
    const agent = await reach()
    if (agent === undefined) return
    try {
      const comment = key.comment === '' ? path : key.comment
      const question = `Add key ${path} (${escapeForPeople(comment, { limit: 200 })}) to agent?`
      if (wanted.mode === 'ask' && (await askToAddKey?.(question)) !== true) {
        onNote?.(`The key ${path} is not given to the agent: nobody said yes.`)
        return
      }
      const { mode, seconds = 0 } = wanted
      const constraints = { ...(seconds === 0 ? {} : { lifetime: seconds }), ...(mode === 'confirm' ? { confirm: true } : {}) }
      await agent.add({ key, certificate: undefined }, comment, constraints)
      onNote?.(`The key ${path} is now in the agent${seconds === 0 ? '' : ` for ${seconds} s`}.`)
    } finally {
      agent.close()
    }
  }
  return path => async key => {
    try {
      await add(path, key)
    } catch (error) {
      onNote?.(`The key ${path} was not given to the agent: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
