// Faults in what keys of security keys, of browsers and of two halves prove (PROTOCOL.u2f, composite signatures).
import type { Mutant } from './mutant.ts'

export const keyTypeMutants: readonly Mutant[] = [
  {
    name: 'what a token is made for does not count',
    file: 'algorithms/signature/security-key.ts',
    from: "signed.set(crypto.hash('sha256', utf8.encode(application)))",
    to: "signed.set(crypto.hash('sha256', utf8.encode('ssh:')))",
    test: 'keys/security-keys.test.ts',
    fails: ['sk-ecdsa-sha2-nistp256@openssh.com, flags 1 (ecdsa-elsewhere): right'],
  },
  {
    name: 'the flags of a security key need not be those it signed',
    file: 'algorithms/signature/security-key.ts',
    from: 'signed[32] = flags',
    to: 'signed[32] = flags & 0xfe',
    test: 'keys/security-keys.test.ts',
    fails: [
      'sk-ssh-ed25519@openssh.com, said to be touched, and signed as not (ed25519): wrong',
      'sk-ecdsa-sha2-nistp256@openssh.com, said to be touched, and signed as not (ecdsa): wrong',
    ],
  },
  {
    name: 'a touch is told where there was none',
    file: 'algorithms/signature/security-key.ts',
    from: 'userPresent: (flags & securityKeyFlags.userPresent) !== 0,',
    to: 'userPresent: true,',
    test: 'keys/security-keys.test.ts',
    fails: [
      'sk-ssh-ed25519@openssh.com, flags 0 (ed25519): right',
      'webauthn-sk-ecdsa-sha2-nistp256@openssh.com, a page, no touch (ecdsa): right',
    ],
  },
  {
    name: 'bytes behind the counter of a security key do no harm',
    file: 'algorithms/signature/security-key.ts',
    from: 'behind.finish()\n    const raw = rawOf(signature)',
    to: 'const raw = rawOf(signature)',
    test: 'keys/security-keys.test.ts',
    fails: ['sk-ssh-ed25519@openssh.com, a byte behind (ed25519): wrong'],
  },
  {
    name: 'any page may ask a browser to sign',
    file: 'algorithms/signature/security-key.ts',
    from: '","origin":"${origin}"`',
    to: '","origin":"`',
    test: 'keys/security-keys.test.ts',
    fails: [
      'webauthn-sk-ecdsa-sha2-nistp256@openssh.com, a page, another one than the signature says (ecdsa): wrong',
      'webauthn-sk-ecdsa-sha2-nistp256@openssh.com, a page, the beginning of the one that signed (ecdsa): wrong',
    ],
  },
  {
    name: 'a browser may have signed something else',
    file: 'algorithms/signature/security-key.ts',
    from: 'if (!beginsWith(clientData, utf8.encode(expected))) return undefined',
    to: 'beginsWith(clientData, utf8.encode(expected))',
    test: 'keys/security-keys.test.ts',
    fails: [
      'webauthn-sk-ecdsa-sha2-nistp256@openssh.com, a page, other data (ecdsa): wrong',
      'webauthn-sk-ecdsa-sha2-nistp256@openssh.com, a registration (ecdsa): wrong',
    ],
  },
  {
    name: 'a quote in the origin of a page is taken as it is',
    file: 'algorithms/signature/security-key.ts',
    from: "if (origin.includes('\"') || origin.includes('\\0'))",
    to: "if (origin.includes('\\0'))",
    test: 'keys/security-keys.test.ts',
    fails: ['webauthn-sk-ecdsa-sha2-nistp256@openssh.com, a page with a quote in it (ecdsa): wrong'],
  },
  {
    name: 'servers let in by a security key that nobody touched',
    file: 'server/authenticators/public-key.ts',
    from: "if (touch === 'required' && securityKey?.userPresent === false) return { is: 'refuse' }",
    to: '',
    test: 'server/authenticators/checks.test.ts',
    fails: ['refuses what a security key signed untouched, unless the check says it looks itself'],
  },
  {
    name: 'of a key with ML-DSA only the older half is checked',
    file: 'algorithms/signature/mldsa44-ed25519.ts',
    from: 'lattice.verify(hash, message, signature.subarray(0, mldsaSignatureBytes))',
    to: 'signature.length > 0',
    test: 'keys/mldsa44-ed25519.test.ts',
    fails: ["OpenSSH's signature is right in every provider, and another byte in either half is not"],
  },
  {
    name: 'of a key with ML-DSA only the younger half is checked',
    file: 'algorithms/signature/mldsa44-ed25519.ts',
    from: 'curve.verify(hash, message, signature.subarray(mldsaSignatureBytes)) &&',
    to: '',
    test: 'keys/mldsa44-ed25519.test.ts',
    fails: ["OpenSSH's signature is right in every provider, and another byte in either half is not"],
  },
]
