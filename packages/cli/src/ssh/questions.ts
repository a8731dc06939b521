// Owns what `ssh` asks a person at the terminal: about an unknown host, for passwords and passphrases. Texts of the server
// are escaped. Knows nothing of connections.
import { type ConfiguredOptions, escapeForPeople, type PresentedHostKey, Secret, SshError } from 'nacre'
import { askPerson } from '../terminal.ts'

/** `host`, or `[host]:port` where the port is not the usual one: how known_hosts names it. */
export const shownHost = ({ host, port }: PresentedHostKey): string => (port === 22 ? host : `[${host}]:${port}`)

/** True when the person takes the key. */
export const askAboutHost = async (presented: PresentedHostKey): Promise<boolean> => {
  let prompt =
    `The authenticity of host '${shownHost(presented)}${presented.address === undefined ? '' : ` (${presented.address})`}' can't be established.\n` +
    `Its ${presented.key.type} key fingerprint is ${presented.fingerprint}.\n` +
    `Are you sure you want to continue connecting (yes/no/[fingerprint])? `
  for (;;) {
    const answer = (await askPerson(prompt, { echo: true }))?.trim()
    if (answer === undefined || answer === 'no') return false
    if (answer === 'yes' || answer === presented.fingerprint) return true
    prompt = "Please type 'yes', 'no' or the fingerprint: "
  }
}

/** Answers for `who`, `user@host`; a person who types nothing more cancels. */
export const prompting = (who: string): Pick<ConfiguredOptions, 'passphrase' | 'password' | 'answer' | 'newPassword'> => ({
  passphrase: path => askPerson(`Enter passphrase for key '${path}': `, { echo: false }),
  password: () => askPerson(`${who}'s password: `, { echo: false }),
  async answer({ name, instruction, prompts }) {
    const heading = [name, instruction].filter(each => each !== '').map(each => escapeForPeople(each, { lines: true }))
    const answers: string[] = []
    for (const [index, { prompt, echo }] of prompts.entries()) {
      const before = index === 0 && heading.length > 0 ? `(${who}) ${heading.join('\n')}\n` : ''
      const answer = await askPerson(`${before}(${who}) ${escapeForPeople(prompt)}`, { echo })
      if (answer === undefined) return undefined
      answers.push(answer)
    }
    return answers
  },
  async newPassword({ prompt }) {
    const first = await askPerson(`${escapeForPeople(prompt, { lines: true })}\nEnter ${who}'s new password: `, { echo: false })
    if (first === undefined) return undefined
    const second = await askPerson(`Retype ${who}'s new password: `, { echo: false })
    if (first !== second) throw new SshError('PASSWORDS_DIFFER', 'The two new passwords are not the same; nothing was changed.')
    return new Secret(first)
  },
})
