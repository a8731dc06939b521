// Owns checking a password against the hash of shadow(5). crypt(3) knows all the schemes a system uses, and perl, which
// Debian and its kin cannot be without, calls it; the password goes through a pipe, never through arguments. Knows
// nothing of who may log in.
import { existsSync } from 'node:fs'
import { timingSafeEqual } from 'node:crypto'
import { ConfigError, type Secret } from 'nacre'
import type { ShadowEntry } from './account.ts'
import { runProgram } from './program.ts'

/** Hashes a password as crypt(3) does, with the setting in front of `hash`; `undefined` when that scheme is not known. */
export type Crypt = (password: string, hash: string) => Promise<string | undefined>

const perlPlaces = ['/usr/bin/perl', '/bin/perl', '/usr/local/bin/perl']
// crypt(3) ends a password at a zero byte, so none gets here. Hexadecimal keeps lines and bytes apart.
const script = 'my ($s, $p) = map { chomp; pack("H*", $_) } <STDIN>; my $h = crypt($p, $s); print defined $h ? unpack("H*", $h) : ""'

/** crypt(3) of this system. Throws `ConfigError` when perl is not there. */
export const systemCrypt = (): Crypt => {
  const perl = perlPlaces.find(path => existsSync(path))
  if (perl === undefined) throw new ConfigError(`To check passwords, perl is needed; it is in none of ${perlPlaces.join(', ')}.`)
  const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex')
  return async (password, hash) => {
    const made = await runProgram(perl, ['-e', script], { input: `${hex(hash)}\n${hex(password)}\n`, env: {}, timeout: 30_000 })
    if (made === undefined) throw new Error('crypt(3) could not be called through perl')
    return made === '' ? undefined : Buffer.from(made, 'hex').toString('utf8')
  }
}

/** Compared with when there is no hash, so that an account without one takes as long as one with. No password has it. */
export const placeholderHash = '$6$rounds=5000$nacre-no-account$'

/** True for what crypt(3) could have made: `*`, `!` and the like lock an account. */
export const isHash = (text: string): boolean => /^(\$[0-9a-z]+\$[!-9;-~]+|_?[./0-9A-Za-z]{13,})$/.test(text)

export interface PasswordOptions {
  readonly crypt: Crypt
  readonly permitEmpty: boolean
  /** A hash of the kind this system makes; sets how long the check of a missing account takes. */
  readonly placeholder: string
}

const sameText = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * Whether `secret` is the password of the account with this shadow row; `undefined` stands for an account that does not
 * exist or may not log in, and takes as long.
 */
export const checkPassword = async (entry: ShadowEntry | undefined, secret: Secret<string>, options: PasswordOptions): Promise<boolean> => {
  const password = secret.reveal()
  const usable = entry !== undefined && isHash(entry.hash)
  const hash = usable ? entry.hash : options.placeholder
  // What crypt(3) would not see whole is compared with nothing, at the same cost.
  const whole = !password.includes('\0') && password !== ''
  const made = await options.crypt(whole ? password : 'x', hash)
  if (entry?.hash === '' && password === '') return options.permitEmpty
  return usable && whole && made !== undefined && sameText(made, hash)
}

/** How a password stands by its age: `ending` in so many days, `old` when it has to be changed, `dead` when it is too late for that. */
export type PasswordAge = { readonly is: 'fresh' | 'old' | 'dead' } | { readonly is: 'ending'; readonly days: number }

/** The age of a password on the day `today`, counted from 1970. A last change on day 0 is how root has one changed. */
export const passwordAge = (entry: ShadowEntry, today: number): PasswordAge => {
  const { lastChange, maximumAge, inactive, warning } = entry
  if (lastChange === 0) return { is: 'old' }
  if (lastChange === undefined || maximumAge === undefined) return { is: 'fresh' }
  const left = lastChange + maximumAge - today
  if (left < 0) return { is: inactive !== undefined && -left > inactive ? 'dead' : 'old' }
  return warning !== undefined && left <= warning ? { is: 'ending', days: left } : { is: 'fresh' }
}
