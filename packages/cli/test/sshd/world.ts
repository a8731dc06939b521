// Owns a small world for the tests of `sshd`: an account with a home of its own, keys, a configuration, and logins to it
// over memory.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ClientConnection,
  connectOver,
  type CredentialOptions,
  credentials,
  type HostIdentity,
  insecureAcceptAnyHostKey,
  memoryPair,
  nodeRuntime,
} from 'nacre'
import { type ParsedServerConfig, parseServerConfig } from 'nacre/config'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import { createSigner, PrivateKey, type Signer } from 'nacre/keys'
import { createServer } from 'nacre/server'
import { openPty } from '../../src/pty.ts'
import { type Account, ownAccount, type ShadowEntry } from '../../src/sshd/account.ts'
import { type AccountService, plainSession } from '../../src/sshd/accounts.ts'
import { logEvent } from '../../src/sshd/connection-log.ts'
import type { Directory } from '../../src/sshd/eligible.ts'
import { createLog, type Level } from '../../src/sshd/log.ts'
import type { Login } from '../../src/sshd/login.ts'
import { type PerLoginSetup, perLoginAuthenticator } from '../../src/sshd/per-login.ts'
import { serveSessions, type SessionRules } from '../../src/sshd/sessions.ts'

/** A folder that is gone when the test is. */
export const temporaryFolder = (): { readonly path: string } & Disposable => {
  const path = mkdtempSync(join(tmpdir(), 'nacre-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A new Ed25519 key. */
export const newKey = async (comment = 'test'): Promise<Signer> =>
  createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }), comment), comment)

/** Our own account, with another home. */
export const accountAt = (home: string): Account => ({ ...ownAccount(), home, shell: '/bin/sh' })

/** Writes `.ssh/authorized_keys` as it should be. */
export const authorize = (account: Account, lines: readonly string[]): string => {
  const folder = join(account.home, '.ssh')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'authorized_keys')
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  chmodSync(path, 0o600)
  return path
}

export const configOf = (text: string): ParsedServerConfig => parseServerConfig([{ path: 'test', text }])

/** A log that is kept as lines. */
export const keptLog = (level: Level = 'INFO') => {
  const lines: string[] = []
  return { lines, log: createLog(line => lines.push(line), level) }
}

/** Accounts by name. */
export const directoryOf = (accounts: readonly Account[], shadow: Readonly<Record<string, ShadowEntry>> = {}): Directory => ({
  account: async name => accounts.find(each => each.name === name),
  shadow: async name => (Object.hasOwn(shadow, name) ? shadow[name] : undefined),
})

/** Knows one password of everybody who may log in. */
export const onePassword = (right: string): AccountService => ({
  name: 'one password',
  proves: true,
  begin: ({ account }) => ({
    authenticate: async talk => {
      const [given] = await talk([{ is: 'hidden', text: 'Password: ' }])
      return account !== undefined && given.reveal() === right
    },
    permitted: async () => ({ is: 'permitted' }),
    changeInSession: false,
    open: async () => plainSession,
  }),
})

export interface WorldOptions {
  /** Lines of sshd_config. */
  readonly config?: string
  readonly accounts?: readonly Account[]
  readonly setup?: Partial<PerLoginSetup>
  readonly rules?: Partial<SessionRules>
  readonly level?: Level
}

export interface LoginOptions {
  readonly user?: string
  readonly signers?: readonly Signer[]
  readonly password?: string
  readonly newPassword?: CredentialOptions['newPassword']
  readonly answer?: CredentialOptions['answer']
  readonly preferred?: readonly string[]
  readonly hostBased?: HostIdentity
  readonly address?: string
  readonly onBanner?: (text: string) => void
}

/** A server in memory, by the configuration, and ways to log in to it. */
export const world = async (account: Account, options: WorldOptions = {}) => {
  const { lines, log } = keptLog(options.level)
  // Whoever runs the tests may be root.
  const parsed = configOf(`PermitRootLogin yes\n${options.config ?? ''}`)
  const { config } = parsed
  const authenticate = perLoginAuthenticator({
    parsed,
    directory: directoryOf(options.accounts ?? [account]),
    only: undefined,
    accountsFor: () => undefined,
    limitsOf: () => ({}),
    log,
    ...options.setup,
  })
  const rules: SessionRules = {
    forceCommand: undefined,
    permitTty: true,
    subsystems: {},
    internalScp: false,
    acceptEnv: [],
    setEnv: {},
    printMotd: false,
    userEnvironment: config.permitUserEnvironment,
    timeZone: undefined,
    openPty,
    log,
    ...options.rules,
  }
  const errors: unknown[] = []
  const server = createServer<Login>({
    hostKeys: [await newKey('host')],
    authenticate,
    session: serveSessions(({ holds }) => ({
      ...rules,
      ...(holds === undefined || holds.config.forceCommand === 'none' ? {} : { forceCommand: holds.config.forceCommand }),
    })),
    maximumAttempts: config.maxAuthTries,
    refusalFloor: () => 0,
    onError: error => errors.push(error),
    onEvent: (event, connection) => logEvent(log, event, connection),
  })
  const logIn = async (by: LoginOptions = {}): Promise<ClientConnection> => {
    const [ours, theirs] = memoryPair({ address: by.address ?? '192.0.2.7', port: 50022, localAddress: '192.0.2.1', localPort: 22 })
    server.accept(theirs)
    return connectOver(
      ours,
      {
        user: by.user ?? account.name,
        host: 'test',
        port: 22,
        hostKey: insecureAcceptAnyHostKey,
        ...(by.onBanner === undefined ? {} : { onBanner: by.onBanner }),
        identities: credentials({
          signers: by.signers ?? [],
          ...(by.password === undefined ? {} : { password: by.password }),
          ...(by.newPassword === undefined ? {} : { newPassword: by.newPassword }),
          ...(by.answer === undefined ? {} : { answer: by.answer }),
          ...(by.hostBased === undefined ? {} : { hostBased: by.hostBased }),
          ...(by.preferred === undefined ? {} : { preferred: by.preferred }),
        }),
      },
      nodeRuntime(),
    )
  }
  return { server, logIn, lines, errors, [Symbol.asyncDispose]: () => server.close() }
}
