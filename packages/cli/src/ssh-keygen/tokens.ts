// Owns what `ssh-keygen` would do with hardware: keys of PKCS#11 libraries (-D) and those security keys hold (-K). Here it is said
// that it cannot be done, and what can; no key is made by mistake.
import { FatalError } from '../fatal.ts'
import type { Operation } from './operation.ts'

export const libraryKeys: Operation = {
  name: 'show the keys of a PKCS#11 library',
  wanted: call => call.has('D'),
  async run(call) {
    throw new FatalError(
      `Keys of PKCS#11 libraries cannot be read here. Load ${call.line.last('D') ?? 'the library'} into an agent that can (ssh-add -s), and list them with ssh-add -L.`,
    )
  },
}

export const residentKeys: Operation = {
  name: 'fetch the keys of a security key',
  wanted: call => call.has('K'),
  async run() {
    throw new FatalError(
      "Security keys cannot be reached here. Fetch their keys with OpenSSH's ssh-keygen -K, or load them into its agent with ssh-add -K; an agent that has them signs for us.",
    )
  },
}
