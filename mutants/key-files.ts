// Faults by which a key file that was tampered with, or costs too much, is taken.
import type { Mutant } from './mutant.ts'

const putty = 'keys/formats/ppk.test.ts'

export const keyFileMutants: readonly Mutant[] = [
  {
    name: 'the checksum of a PuTTY key file is not compared',
    file: 'keys/formats/ppk.ts',
    from: 'return equalBytes(macOf(crypto, file.protection, keys.macKey, input), file.mac)',
    to: 'return macOf(crypto, file.protection, keys.macKey, input).length === file.mac.length',
    test: putty,
    fails: ['a checksum that is wrong: in an open file it is damage, else it is the passphrase'],
  },
  {
    name: 'the comment of a PuTTY key file is not under its checksum',
    file: 'keys/formats/ppk-keys.ts',
    from: 'writer.string(input.comment)',
    to: 'writer.string(new Uint8Array(input.comment.length))',
    test: putty,
    fails: ['what we write is what puttygen writes, to the byte'],
  },
  {
    name: 'a PuTTY key file may ask for any memory',
    file: 'keys/formats/ppk.ts',
    from: 'if (memory > maximumMemory ||',
    to: 'if (memory > maximumMemory * 4096 ||',
    test: putty,
    fails: ['each line that can be wrong'],
  },
  {
    name: 'a PKCS#8 key file may ask for any number of iterations',
    file: 'keys/formats/pbes2.ts',
    from: 'const iterations = fields.count(maximumIterations)',
    to: 'const iterations = fields.count(2 ** 40)',
    test: 'keys/formats/pkcs8.test.ts',
    fails: ['what is not supported or not possible is said before a passphrase is asked for'],
  },
  {
    name: 'a PKCS#8 key file may ask for any memory',
    file: 'keys/formats/pbes2.ts',
    from: 'if (memory > maximumScryptMemory)',
    to: 'if (memory > maximumScryptMemory * 4096)',
    test: 'keys/formats/pkcs8.test.ts',
    fails: ['what is not supported or not possible is said before a passphrase is asked for'],
  },
  {
    name: 'the halves of a key file need not belong together',
    file: 'keys/formats/asn1-private.ts',
    from: 'if (found !== undefined && !equalBytes(found, half))',
    to: 'if (found !== undefined && found.length !== half.length)',
    test: 'keys/formats/pem.test.ts',
    fails: ['a key whose halves do not belong together is damaged'],
  },
  {
    name: 'a wrong passphrase of an OpenSSH key file is found out late',
    file: 'keys/formats/openssh.ts',
    from: 'if (opened === undefined || !sameNumbers(opened)) throw passphraseWrong(place)',
    to: 'if (opened === undefined) throw passphraseWrong(place)',
    test: 'keys/formats/openssh.test.ts',
    fails: ['without the passphrase, and with a wrong one, it says so'],
  },
  {
    name: 'a key file that a group may write is used',
    file: 'keys/load-node.ts',
    from: '(mode & 0o077) === 0',
    to: '(mode & 0o044) === 0',
    test: 'keys/load-node.test.ts',
    fails: ['a file that others may use is not used: mode and path are said'],
  },
  {
    name: 'a key whose passphrase was wrong asks for it again and again',
    file: 'keys/lazy-signer.ts',
    from: 'opened ??= openChecked()',
    to: 'opened = openChecked()',
    test: 'keys/lazy-signer.test.ts',
    fails: [
      'it is opened by the first signature, and once, however many there are',
      'a key that does not open rejects every signature, and is not tried again',
    ],
  },
  {
    name: 'a key is opened before the server has said that it would take it',
    file: 'keys/lazy-signer.ts',
    from: 'slow: true,',
    to: 'slow: false,',
    test: 'keys/lazy-signer.test.ts',
    fails: ['it shows the same key and algorithms as the signer it becomes, and is slow'],
  },
  {
    name: 'a file signs with another key than the one beside it',
    file: 'keys/lazy-signer.ts',
    from: 'if (signer.publicKey.equals(publicKey)) return signer',
    to: 'if (signer.publicKey.bits >= 0) return signer',
    test: 'keys/lazy-signer.test.ts',
    fails: ['another key than the one shown is refused, with both'],
  },
]
