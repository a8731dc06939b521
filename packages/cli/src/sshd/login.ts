// Owns what a session knows of the login it belongs to: the account, and what each proof allows and forbids. Knows
// nothing of how the proofs were checked.
import type { ParsedServerConfig } from 'nacre/config'
import type { KeyOptions, PermittedPlace } from 'nacre/keys'
import type { Account } from './account.ts'
import type { AccountLogin } from './accounts.ts'

/** One proof that was given. */
export interface Proof {
  readonly method: string
  /** `ED25519 SHA256:…` of a key. */
  readonly key?: string
  /** The same as a line: its type and base64. */
  readonly publicKey?: string
  /** What else was shown: the client's own user and host. */
  readonly about?: string
  /** What stands in front of the key in its file. */
  readonly options?: KeyOptions
  /** The password was right and has to be changed. */
  readonly passwordOld?: boolean
}

type StepName = `step${number}`
/** Identities of a chain are merged by their fields, so that each step's proof has a field of its own. */
export type Login = {
  readonly account: Account
  /** The configuration as it holds for this login. */
  readonly holds?: ParsedServerConfig
  /** What its sessions run in. */
  readonly accounts?: AccountLogin
  /** Whatever was shown, a new password comes first. */
  readonly passwordOld?: boolean
} & { readonly [step: StepName]: Proof }

/** The login by one proof, as step `step` of a chain. */
export const loginBy = (account: Account, step: number, proof: Proof): Login => {
  const name: StepName = `step${step}`
  return Object.assign({ account }, { [name]: proof })
}

/** The proofs, in the order of their steps. */
export const proofsOf = (login: Login): readonly Proof[] =>
  Object.entries(login).flatMap(([name, value]) => (/^step\d+$/.test(name) ? [value as Proof] : []))

const mustChange = (login: Login): boolean => login.passwordOld === true || proofsOf(login).some(proof => proof.passwordOld === true)

export interface Permissions {
  /** Runs instead of what the client asks for. */
  readonly command: string | undefined
  readonly pty: boolean
  /** `environment=` of the keys, in order; of two with one name the first counts. */
  readonly environment: readonly (readonly [string, string])[]
  /** May ~/.ssh/rc run? */
  readonly userRc: boolean
  readonly passwordOld: boolean
  /** Two keys of a chain force different commands: nothing can be run. */
  readonly contradictory: boolean
}

/** What all proofs together allow: the least. */
export const permissionsOf = (login: Login): Permissions => {
  const proofs = proofsOf(login)
  const commands = new Set(proofs.flatMap(proof => (proof.options?.command === undefined ? [] : [proof.options.command])))
  const [command] = commands
  return {
    command,
    pty: proofs.every(proof => proof.options?.may.pty !== false),
    environment: proofs
      .flatMap(proof => proof.options?.environment ?? [])
      .map(({ name, value }) => [name, value] as const)
      .toReversed(),
    userRc: proofs.every(proof => proof.options?.may.userRc !== false),
    passwordOld: mustChange(login),
    contradictory: commands.size > 1,
  }
}

/** What all proofs of a login together let a client lend to its sessions; nothing before an old password is changed. */
export const lendingOf = (login: Login): { readonly agent: boolean; readonly x11: boolean } => {
  const proofs = mustChange(login) ? undefined : proofsOf(login)
  return {
    agent: proofs?.every(proof => proof.options?.may.agentForwarding !== false) ?? false,
    x11: proofs?.every(proof => proof.options?.may.x11Forwarding !== false) ?? false,
  }
}

/** What all proofs of a login together let it reach through the server. */
export type Forwarding =
  | {
      readonly allowed: true
      /** Lists of places to connect to; each must name what is asked for. */
      readonly opens: readonly (readonly PermittedPlace[])[]
      /** The same of places to listen on. */
      readonly listens: readonly (readonly PermittedPlace[])[]
    }
  | { readonly allowed: false; readonly why: string }

/** Nothing before an old password is changed, and nothing where any of the keys forbids it. */
export const forwardingOf = (login: Login): Forwarding => {
  const proofs = proofsOf(login)
  if (mustChange(login)) return { allowed: false, why: 'the password has to be changed first' }
  if (proofs.some(proof => proof.options?.may.portForwarding === false))
    return { allowed: false, why: 'the key or its certificate does not permit forwarding' }
  return {
    allowed: true,
    opens: proofs.flatMap(proof => (proof.options?.permitOpen === undefined ? [] : [proof.options.permitOpen])),
    listens: proofs.flatMap(proof => (proof.options?.permitListen === undefined ? [] : [proof.options.permitListen])),
  }
}

/** What all proofs of a login together say of tunnels: whether there are any, and the devices each insists on. */
export type Tunnels =
  | { readonly allowed: true; readonly units: readonly number[] }
  | { readonly allowed: false; readonly why: string; readonly units: readonly number[] }

export const tunnelsOf = (login: Login): Tunnels => {
  if (mustChange(login)) return { allowed: false, why: 'the password has to be changed first', units: [] }
  const proofs = proofsOf(login)
  if (proofs.some(proof => proof.options?.may.tunnels === false))
    return { allowed: false, why: 'the key is restricted (restrict)', units: [] }
  return { allowed: true, units: proofs.flatMap(({ options }) => (typeof options?.tunnel === 'number' ? [options.tunnel] : [])) }
}
