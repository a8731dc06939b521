// Owns the list of private key formats: those we read, and those we only know by name, to say what to do about them.
// Adding a format is its file and a row here.
import { KeyFormatError } from '../../errors.ts'
import { type KeyFormat, named } from './format.ts'
import { opensshFormat } from './openssh.ts'
import { dsaFormat, pkcs1Format, pkcs8Format, sec1Format } from './pem.ts'

const rewrite = 'Rewrite it in OpenSSH form: ssh-keygen -p -f <file>'

/** A format that is recognised and refused. */
const refused = (name: string, recognises: (text: string) => boolean, advice: string): KeyFormat => ({
  name,
  recognises,
  read: (_crypto, _text, { path }) => {
    throw new KeyFormatError('KEY_UNSUPPORTED', `${named(path)} is in the ${name} form, which is not supported. ${advice}`, path)
  },
  publicPart: () => undefined,
})

export const keyFormats: readonly KeyFormat[] = [
  opensshFormat,
  refused('encrypted PEM', text => text.includes('-----BEGIN ') && text.includes('Proc-Type: 4,ENCRYPTED'), rewrite),
  pkcs1Format,
  sec1Format,
  dsaFormat,
  pkcs8Format,
  refused('encrypted PKCS#8', text => text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----'), rewrite),
  refused('PuTTY', text => text.startsWith('PuTTY-User-Key-File-'), 'Convert it: puttygen <file> -O private-openssh-new -o <new file>'),
  refused('ssh.com', text => text.includes('---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----'), 'Convert it: ssh-keygen -i -f <file>'),
  refused('SSH 1', text => text.startsWith('SSH PRIVATE KEY FILE FORMAT 1.1'), 'Make a new key: ssh-keygen -t ed25519'),
  refused(
    'public key',
    text => /-----BEGIN [A-Z0-9 ]*(PUBLIC KEY|CERTIFICATE)-----|---- BEGIN SSH2 PUBLIC KEY ----|^\s*[a-z0-9@.-]+[ \t]+AAAA/.test(text),
    'Name the private key instead: most often the same file without .pub',
  ),
]
