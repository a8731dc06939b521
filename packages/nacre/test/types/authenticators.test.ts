// The identities that authenticators infer. The compiler checks this file; running it only shows that it is there.
import { test } from 'node:test'
import type { Secret } from '../../src/crypto/secret.ts'
import type { Applicant, Authenticator, IdentityOf } from '../../src/server/authenticate.ts'
import { allowAnyoneWithoutProof } from '../../src/server/authenticators/anyone.ts'
import { allOf, firstOf } from '../../src/server/authenticators/combine.ts'
import { from, guard, limit } from '../../src/server/authenticators/gates.ts'
import { password, passwordExpired } from '../../src/server/authenticators/password.ts'
import { prompts } from '../../src/server/authenticators/prompts.ts'
import { publicKey, type PublicKeyCheck } from '../../src/server/authenticators/public-key.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(proof: Equal<A, B>): void => void proof

declare const authorizedKeys: PublicKeyCheck<{ name: string; line: number } | undefined>
declare const directory: (user: string, secret: Secret<string>) => Promise<{ uid: number } | null>
const types = (): void => {
  const staff = publicKey(authorizedKeys)
  same<IdentityOf<typeof staff>, { name: string; line: number }>(true)

  const keys = publicKey((applicant, key) => {
    same<typeof applicant, Applicant>(true)
    return { name: applicant.user, id: key.fingerprint() }
  })
  same<typeof keys, Authenticator<{ name: string; id: string }>>(true)

  const code = prompts(async t => ((await t.ask('Code: ')) === t.user ? { mfa: true } : undefined))
  same<IdentityOf<typeof code>, { mfa: boolean }>(true)

  const legacy = password((applicant, secret) => directory(applicant.user, secret))
  same<IdentityOf<typeof legacy>, { uid: number }>(true)

  // What refuses is no identity.
  const bool = password((_, secret) => secret.reveal() === 'x')
  same<IdentityOf<typeof bool>, true>(true)
  const maybe = password(async (): Promise<string | undefined | null | false> => 'x')
  same<IdentityOf<typeof maybe>, string>(true)
  const never = password(() => undefined)
  same<IdentityOf<typeof never>, never>(true)

  // Neither is the wish for a new password; what the change yields is one.
  const expiring = password((_, secret) => (secret.reveal() === 'x' ? passwordExpired() : { uid: 1 }), {
    change: async () => ({ changed: 'yes' as const }),
  })
  same<IdentityOf<typeof expiring>, { uid: number } | { changed: 'yes' }>(true)

  const guest = allowAnyoneWithoutProof(applicant => ({ guest: applicant.user }))
  same<IdentityOf<typeof guest>, { guest: string }>(true)

  // One of: the union. All of: the intersection, flat over any number.
  const either = firstOf(keys, legacy)
  same<IdentityOf<typeof either>, { name: string; id: string } | { uid: number }>(true)
  const both = allOf(staff, code)
  same<IdentityOf<typeof both>['name'], string>(true)
  same<IdentityOf<typeof both>['mfa'], boolean>(true)
  const three = allOf(staff, code, legacy)
  same<IdentityOf<typeof three>['uid'], number>(true)
  const chosen = firstOf(allOf(staff, code), legacy)
  const user = null as unknown as IdentityOf<typeof chosen>
  same<'uid' extends keyof typeof user ? true : false, false>(true)
  if ('mfa' in user) same<typeof user.line, number>(true)
  else same<typeof user, { uid: number }>(true)

  // What stands in front changes nothing.
  const fronted = limit(
    { attempts: 6, seconds: 60 },
    guard(() => true, from('10.0.0.0/8', legacy)),
  )
  same<typeof fronted, typeof legacy>(true)

  // An authenticator for more is one for less, not the other way round.
  const wider: Authenticator<{ name: string }> = keys
  void wider
  // @ts-expect-error the identity lacks a field
  const narrower: Authenticator<{ name: string; id: string; more: number }> = keys
  void narrower
  // @ts-expect-error identities that are merged must be objects
  allOf(bool, code)
  // @ts-expect-error there is nothing to choose from
  firstOf()
  // @ts-expect-error a secret is not a string
  password((_, secret) => secret === 'x')
  // @ts-expect-error a key has no owner of its own
  publicKey((_, key) => key.name)
  // @ts-expect-error seconds are missing
  limit({ attempts: 1 }, legacy)
}

test('identities are inferred (checked by the compiler)', () => void types)
