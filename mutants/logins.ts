// Faults in what a client logs in with and tells of it: the order of keys, their limits, steps, and what sessions take along.
import type { Mutant } from './mutant.ts'

const filesTest = 'client/certificate-files.test.ts'
const environmentTest = 'client/session-env.test.ts'

export const loginMutants: readonly Mutant[] = [
  {
    name: 'what somebody named is moved among the rest',
    file: 'client/login-keys-node.ts',
    from: 'const others = all.filter(({ named }) => !named)',
    to: 'const others = all.filter(({ named }) => !named || named)',
    test: filesTest,
    fails: ['of what nobody named, certificates go first; the rest keeps its place'],
  },
  {
    name: 'RequiredRSASize is not for keys of files',
    file: 'client/login-keys-node.ts',
    from: 'const limits = minimumRsaBits === undefined ? {} : { minimumRsaBits }',
    to: 'const limits = minimumRsaBits === undefined ? {} : {}',
    test: filesTest,
    fails: ['RSA keys that are too short by the limit that was given are not offered, and that is said'],
  },
  {
    name: 'the configuration’s variables go before those of a session',
    file: 'client/connection.ts',
    from: 'env: { ...this.#env, ...asked.env }',
    to: 'env: { ...asked.env, ...this.#env }',
    test: environmentTest,
    fails: ['what they ask for themselves before all that'],
  },
  {
    name: 'SendEnv goes before SetEnv',
    file: 'config/sent-environment.ts',
    from: 'for (const [name, value] of config.setEnv) sent[name] = value',
    to: 'for (const [name, value] of config.setEnv) sent[name] ??= value',
    test: environmentTest,
    fails: ['the variables of SetEnv, also in the place of those of SendEnv'],
  },
  {
    name: 'an attempt is told again with each that follows',
    file: 'client/login-steps.ts',
    from: 'this.#told = attempts.length',
    to: '',
    test: 'client/login-steps.test.ts',
    fails: ['by keys, refused, asked about, and signed with', 'by questions, and that nothing is left'],
  },
  {
    name: 'a terminal that has gone leaves the network asked as for one',
    file: 'client/quality.ts',
    from: 'this.#interactive--',
    to: '',
    test: 'client/quality.test.ts',
    fails: ['ask for the one or the other as they come and go', 'IPQoS is asked for by the sessions of a connection'],
  },
  {
    name: 'proofs name the server’s key though PubkeyAuthentication is unbound',
    file: 'client/configured-node.ts',
    from: "config.pubkeyAuthentication === 'unbound'",
    to: 'false',
    test: 'client/configured-node.test.ts',
    fails: ['are, for PubkeyAuthentication=unbound: {"hostBound":false,"preferred":["publickey","keyboard-interactive","password"]}'],
  },
]
