// Owns what `ssh` asks a person to log in: passwords and passphrases. Texts of the server
// are escaped. Knows nothing of connections.
import { type ConfiguredOptions, escapeForPeople, Secret, SshError } from 'nacre'
import type { Asker } from '../askpass.ts'

/** Answers for `who`, `user@host`; a person who types nothing more cancels. */
export const prompting = (who: string, ask: Asker): Pick<ConfiguredOptions, 'passphrase' | 'password' | 'answer' | 'newPassword'> => ({
  passphrase: path => ask(`Enter passphrase for key '${path}': `, { echo: false }),
  password: () => ask(`${who}'s password: `, { echo: false }),
  async answer({ name, instruction, prompts }) {
    const heading = [name, instruction].filter(each => each !== '').map(each => escapeForPeople(each, { lines: true }))
    const answers: string[] = []
    for (const [index, { prompt, echo }] of prompts.entries()) {
      const before = index === 0 && heading.length > 0 ? `(${who}) ${heading.join('\n')}\n` : ''
      const answer = await ask(`${before}(${who}) ${escapeForPeople(prompt)}`, { echo })
      if (answer === undefined) return undefined
      answers.push(answer)
    }
    return answers
  },
  async newPassword({ prompt }) {
    const first = await ask(`${escapeForPeople(prompt, { lines: true })}\nEnter ${who}'s new password: `, { echo: false })
    if (first === undefined) return undefined
    const second = await ask(`Retype ${who}'s new password: `, { echo: false })
    if (first !== second) throw new SshError('PASSWORDS_DIFFER', 'The two new passwords are not the same; nothing was changed.')
    return new Secret(first)
  },
})
