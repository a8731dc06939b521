// Owns which algorithms a configuration leaves, for `ssh -G`. Knows nothing of connections.
import { choose, ciphers, keyExchanges, macs, signatureAlgorithms } from 'nacre/algorithms'
import type { AlgorithmLists } from 'nacre/config'
import { authorityAlgorithms, withCertificates } from 'nacre/keys'
import type { SshConfig } from './options.ts'

const signatures = withCertificates(signatureAlgorithms)

/** The lists in order. */
export const algorithmLists = ({ config }: Pick<SshConfig, 'config'>): AlgorithmLists => {
  const keys = (text: string | undefined): readonly string[] => choose('signature algorithm', signatures, text)
  return {
    ciphers: choose('cipher', ciphers, config.ciphers),
    macs: choose('MAC', macs, config.macs),
    kexAlgorithms: choose('key exchange method', keyExchanges, config.kexAlgorithms),
    hostKeyAlgorithms: keys(config.hostKeyAlgorithms),
    hostbasedAcceptedAlgorithms: keys(config.hostbasedAcceptedAlgorithms),
    pubkeyAcceptedAlgorithms: keys(config.pubkeyAcceptedAlgorithms),
    caSignatureAlgorithms:
      config.caSignatureAlgorithms === undefined
        ? choose('signature algorithm', signatureAlgorithms, undefined)
        : authorityAlgorithms(config.caSignatureAlgorithms),
  }
}
