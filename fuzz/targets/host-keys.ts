// Owns the targets for what a client learns of host keys from elsewhere: answers of DNS, and known_hosts brought up to date.
import assert from 'node:assert/strict'
import { readSshfpReply, sshfpQuestion } from '../../packages/nacre/src/client/dns-message.ts'
import { parseResolvConf } from '../../packages/nacre/src/client/sshfp-resolver-node.ts'
import { planHostKeyUpdate, replaceHostKeys } from '../../packages/nacre/src/keys/host-key-update.ts'
import { areHostsOf, parseKnownHosts } from '../../packages/nacre/src/keys/known-hosts.ts'
import { parsePublicKey, parsePublicKeyLine } from '../../packages/nacre/src/keys/public.ts'
import { type Target, textOf, utf8Bytes } from '../rig/target.ts'
import { knownHostsFiles, publicKeyLines } from '../rig/vectors.ts'

const host = 'host.example'
const id = 0x1234

/** An answer with one record of its own and one alias, behind the question that asks for it. */
const answer = (): Uint8Array => {
  const question = sshfpQuestion(host, id)
  assert.ok(question)
  const head = question.slice(0, question.length - 11)
  head.set([0x81, 0xa0], 2)
  head.set([0, 2, 0, 0, 0, 0], 6)
  const record = [0xc0, 12, 0, 44, 0, 1, 0, 0, 1, 0, 0, 22, 4, 1, ...Array.from({ length: 20 }, (_, i) => i)]
  const alias = [0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0, 0, 4, 1, 0x61, 0xc0, 17]
  return Uint8Array.from([...head, ...record, ...alias])
}

const sshfpReply: Target = {
  name: 'sshfp-reply',
  about: 'answers of DNS: records that are whole, or no answer',
  seeds: () => [answer()],
  run: (input, note) => {
    const reply = readSshfpReply(input, host, id)
    note(`${reply === undefined} ${reply?.truncated} ${(reply?.records.length ?? 0) > 0}`)
    for (const { fingerprint } of reply?.records ?? []) assert.ok(fingerprint.length > 0 && fingerprint.length < input.length)
  },
}

const resolvConf: Target = {
  name: 'resolv-conf',
  about: 'resolv.conf: at most three servers, and times within bounds',
  words: ['nameserver ', '192.0.2.1', 'fe80::1%eth0', 'options ', 'trust-ad', 'timeout:', 'attempts:'],
  seeds: () => [utf8Bytes('nameserver 192.0.2.1\noptions edns0 trust-ad timeout:1 attempts:3\n')],
  run: (input, note) => {
    const { servers, timeout, attempts, trustAuthentic } = parseResolvConf(textOf(input))
    note(`${servers.length} ${trustAuthentic}`)
    assert.ok(servers.length > 0 && servers.length <= 3 && timeout <= 30_000 && attempts <= 5)
  },
}

const keys = publicKeyLines()
  .slice(0, 2)
  .map(line => parsePublicKey(parsePublicKeyLine(line).blob))

const hostKeyUpdate: Target = {
  name: 'host-key-update',
  about: 'known_hosts brought up to date: just these keys for the host, once, and lines of others as they were',
  words: ['@revoked ', '@cert-authority ', 'host.example', ',', '*', ...publicKeyLines().slice(0, 3)],
  seeds: () => [
    utf8Bytes(`# c\nhost.example ${publicKeyLines()[0]}\r\nhost.example,a ${publicKeyLines()[2]}`),
    ...knownHostsFiles().map(utf8Bytes),
  ],
  run: (input, note) => {
    const text = textOf(input)
    const names = { host }
    note(planHostKeyUpdate([parseKnownHosts(text, 'kh')], names, keys).is)
    const edited = replaceHostKeys(text, names, keys)
    assert.equal(replaceHostKeys(edited, names, keys), edited, 'again changes nothing')
    assert.notEqual(planHostKeyUpdate([parseKnownHosts(edited, 'kh')], names, keys).is, 'update')
    const others = (of: string): readonly string[] =>
      parseKnownHosts(of, '')
        .entries.filter(entry => entry.marker !== 'none' || !areHostsOf(entry.hosts, host))
        .map(entry => `${entry.marker} ${entry.key.fingerprint()}`)
    assert.deepEqual(others(edited), others(text))
  },
}

export const hostKeyTargets: readonly Target[] = [sshfpReply, resolvConf, hostKeyUpdate]
