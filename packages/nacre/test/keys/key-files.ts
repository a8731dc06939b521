// Owns reading the key files that other programs made, for the tests of formats. Knows nothing of what is in them.
import { readFileSync } from 'node:fs'

export interface KeyFile {
  readonly maker: 'ssh-keygen' | 'openssl' | 'puttygen'
  /** The name of the key in vectors/keys. */
  readonly key: string
  readonly how: string
  readonly text: string
}

const rows = (name: string): readonly KeyFile[] => {
  const url = new URL(`../vectors/key-files/${name}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as [KeyFile['maker'], string, string, string][]).map(([maker, key, how, text]) => ({
    maker,
    key,
    how,
    text,
  }))
}

/** Made by OpenSSH 10 with its own defaults: 24 rounds. */
export const [modernFile] = rows('modern')
export const privateFiles = [...rows('private'), modernFile]
export const publicFiles = rows('public')

/** The one file that is so described. */
export const fileOf = (maker: KeyFile['maker'], key: string, how: string): string => {
  const found = privateFiles.filter(each => each.maker === maker && each.key === key && each.how === how)
  if (found.length !== 1) throw new Error(`${found.length} files "${maker} ${key} ${how}"`)
  return found[0].text
}

export const isEncrypted = ({ how, text }: KeyFile): boolean =>
  /ENCRYPTED|Encryption: aes/.test(text) || how.startsWith('openssh, ') || how === 'pkcs8, as ssh-keygen has it'
