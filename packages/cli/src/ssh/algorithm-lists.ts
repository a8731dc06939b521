// Owns which algorithms a configuration leaves, for `ssh -G`. Knows nothing of connections.
import { choose, ciphers, keyExchanges, macs, signatureAlgorithms } from 'nacre/algorithms'
import { ConfigError } from 'nacre'
import type { AlgorithmLists } from 'nacre/config'
import { authorityAlgorithms, withCertificates } from 'nacre/keys'
import type { SshConfig } from './options.ts'

const signatures = withCertificates(signatureAlgorithms)

/** The lists in order. Throws `ConfigError` with the file and line that named what there is not. */
export const algorithmLists = ({ config, decidedBy }: SshConfig): AlgorithmLists => {
  const list = (property: keyof AlgorithmLists, choice: (text: string | undefined) => readonly string[]): readonly string[] => {
    try {
      return choice(config[property])
    } catch (error) {
      const by = decidedBy.get(property)?.[0]
      if (error instanceof ConfigError && by !== undefined) throw new ConfigError(error.message, by, { cause: error })
      throw error
    }
  }
  const keys = (property: keyof AlgorithmLists): readonly string[] =>
    list(property, text => choose('signature algorithm', signatures, text))
  return {
    ciphers: list('ciphers', text => choose('cipher', ciphers, text)),
    macs: list('macs', text => choose('MAC', macs, text)),
    kexAlgorithms: list('kexAlgorithms', text => choose('key exchange method', keyExchanges, text)),
    hostKeyAlgorithms: keys('hostKeyAlgorithms'),
    hostbasedAcceptedAlgorithms: keys('hostbasedAcceptedAlgorithms'),
    pubkeyAcceptedAlgorithms: keys('pubkeyAcceptedAlgorithms'),
    caSignatureAlgorithms: list('caSignatureAlgorithms', text =>
      text === undefined ? choose('signature algorithm', signatureAlgorithms, undefined) : authorityAlgorithms(text),
    ),
  }
}
