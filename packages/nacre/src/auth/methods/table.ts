// Owns the list of authentication methods: adding one is a file beside this and a row here. Knows nothing of how they
// work.
import type { AuthMethod } from '../method.ts'
import { gssapiKeyex } from './gssapi-keyex.ts'
import { gssapiWithMic } from './gssapi-with-mic.ts'
import { hostbased } from './hostbased.ts'
import { keyboardInteractive } from './keyboard-interactive.ts'
import { none } from './none.ts'
import { password } from './password.ts'
import { publickey } from './publickey.ts'

export const authMethods: readonly AuthMethod[] = [none, publickey, password, keyboardInteractive, hostbased, gssapiWithMic, gssapiKeyex]

/** The method whose requests have this name, when there is one. */
export const authMethod = (name: string): AuthMethod | undefined =>
  authMethods.find(each => each.name === name || each.alsoNamed?.includes(name) === true)
