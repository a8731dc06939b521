// Owns asking for a new passphrase, twice. Knows nothing of what it is for.
import type { Environment } from '../environment.ts'
import { askPassphrase } from '../askpass.ts'

/** Two answers, `undefined` when they differ. Who does not answer wants none. */
export const askTwice = async (prompt: string, environment: Environment): Promise<string | undefined> => {
  const first = await askPassphrase(prompt, environment)
  const second = await askPassphrase('Enter same passphrase again: ', environment)
  return first === second ? first : undefined
}

/** Asks until both answers are the same. */
export const askUntilSame = async (prompt: string, environment: Environment): Promise<string> => {
  for (;;) {
    const answer = await askTwice(prompt, environment)
    if (answer !== undefined) return answer
    environment.stdout.write('Passphrases do not match.  Try again.\n')
  }
}
