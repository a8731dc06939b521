// Trust in a host key by OpenSSH's rules: each value of StrictHostKeyChecking, addresses, commands, DNS, files of the system, and
// what is told. Nothing is asked that nobody answers.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { knownHostsCommand } from '../../src/client/known-hosts-command-node.ts'
import { knownHosts } from '../../src/client/known-hosts-node.ts'
import type { KnownHostsOptions, KnownHostsQuestion, UnknownHostKey } from '../../src/client/known-hosts-options.ts'
import type { HostKeyTrust, PresentedHostKey } from '../../src/client/policy.ts'
import { parseResolvConf } from '../../src/client/sshfp-resolver-node.ts'
import { HostKeyError, SshError } from '../../src/errors.ts'
import { fingerprintDigest } from '../../src/keys/fingerprint.ts'
import { formatPublicKeyLine, parsePublicKey, type PublicKey } from '../../src/keys/public.ts'
import { publicKey } from '../keys/fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-host-keys-'))
after(() => rmSync(folder, { recursive: true }))

const bare = (name: string): PublicKey => parsePublicKey(publicKey(name).blob)
const [ed, other, rsa] = [bare('ed25519'), bare('ecdsa256'), bare('rsa2048')]
const text = (key: PublicKey): string => formatPublicKeyLine(key)
let counter = 0
const fileOf = (...lines: readonly string[]): string => {
  const path = join(folder, `${++counter}`)
  writeFileSync(path, lines.map(line => `${line}\n`).join(''))
  return path
}

interface Judged {
  readonly trust: HostKeyTrust | undefined
  readonly error: HostKeyError | undefined
  readonly lines: readonly string[]
  readonly warnings: string
  readonly asked: readonly string[]
}

const judge = async (
  lines: readonly string[],
  options: Partial<KnownHostsOptions> & { readonly answers?: readonly boolean[] } = {},
  place: Partial<PresentedHostKey> = {},
): Promise<Judged> => {
  const { answers, ...more } = options
  const file = fileOf(...lines)
  const warnings: string[] = []
  const asked: string[] = []
  const left = [...(answers ?? [])]
  const asks: Partial<KnownHostsOptions> =
    answers === undefined
      ? {}
      : {
          ask: unknown => asked.push(`unknown ${unknown.key.fingerprint()} ${unknown.dns ?? ''}`) > 0 && left.shift() === true,
          confirm: question => asked.push(question) > 0 && left.shift() === true,
        }
  const { policy } = await knownHosts({ files: [file], onWarning: warning => warnings.push(warning), ...asks, ...more })
  const presented = {
    key: ed,
    fingerprint: ed.fingerprint(),
    algorithm: 'ssh-ed25519',
    host: 'host.example',
    port: 22,
    address: '192.0.2.1',
  }
  let trust: HostKeyTrust | undefined
  let error: HostKeyError | undefined
  try {
    trust = (await policy({ ...presented, ...place })) ?? {}
  } catch (thrown) {
    assert.ok(thrown instanceof HostKeyError, String(thrown))
    error = thrown
  }
  return { trust, error, lines: readFileSync(file, 'utf8').split('\n').slice(0, -1), warnings: warnings.join('\n'), asked }
}

const known = `host.example ${text(ed)}`
const changed = `host.example ${text(other)}`

describe('a key that nobody knows', () => {
  it('is refused with yes, and with ask where nobody can be asked', async () => {
    for (const strict of ['yes', 'ask', undefined] as const) {
      const { error, lines } = await judge([], strict === undefined ? {} : { strict })
      assert.equal(error?.code, 'HOST_KEY_UNKNOWN')
      assert.match(error.message, /Compare the fingerprint/)
      assert.deepEqual(lines, [])
    }
    assert.deepEqual((await judge([], { strict: 'yes', answers: [true] })).asked, [])
  })

  it('is asked about, and remembered or refused as was answered', async () => {
    const yes = await judge([], { answers: [true] })
    assert.deepEqual([yes.asked.length, yes.lines, yes.trust], [1, [known], {}])
    const no = await judge([], { answers: [false] })
    assert.match(no.error?.message ?? '', /^Host key verification failed/)
    assert.deepEqual(no.lines, [])
  })

  it('is remembered with accept-new and no, hashed if wanted', async () => {
    for (const strict of ['accept-new', 'no'] as const) assert.deepEqual((await judge([], { strict })).lines, [known])
    assert.match((await judge([], { strict: 'no', hash: true })).lines.join(), /^\|1\|/)
  })

  it('is refused where nothing can remember it, and let in where writing fails', async () => {
    assert.equal((await judge([], { strict: 'no', files: [] })).error?.code, 'HOST_KEY_UNKNOWN')
    assert.equal((await judge([], { strict: 'no' }, { host: 'a*' })).error?.code, 'HOST_KEY_UNKNOWN')
    mkdirSync(join(folder, 'gone'))
    const gone = join(folder, 'gone', 'known_hosts')
    const told: string[] = []
    const { policy } = await knownHosts({ files: [gone], strict: 'no', onWarning: warning => told.push(warning) })
    rmSync(join(folder, 'gone'), { recursive: true })
    writeFileSync(join(folder, 'gone'), 'no folder')
    const presented = { key: ed, fingerprint: ed.fingerprint(), algorithm: '', host: 'h', port: 22, address: undefined }
    assert.deepEqual(await policy(presented), {})
    assert.match(told.join(), /^Failed to add the host h to the list of known hosts/)
  })

  it('comes with the other names it is known by', async () => {
    let asked: UnknownHostKey | undefined
    const { lines } = await judge([`elsewhere ${text(ed)}`], { ask: unknown => (asked = unknown) !== undefined })
    assert.deepEqual(
      asked?.otherNames.map(({ line, names }) => [line, names]),
      [[1, 'elsewhere']],
    )
    assert.deepEqual(lines, [`elsewhere ${text(ed)}`, known])
  })
})

describe('a key that is not the known one', () => {
  it('is refused, with both fingerprints and what to do, in the hash that is wanted', async () => {
    for (const strict of ['ask', 'yes', 'accept-new'] as const) {
      const { error, asked } = await judge([changed], { strict, answers: [true], fingerprintHash: 'md5' })
      assert.equal(error?.code, 'HOST_KEY_CHANGED')
      assert.deepEqual(asked, [])
      assert.ok(error.message.includes(ed.fingerprint('md5')) && error.message.includes(other.fingerprint('md5')), error.message)
      assert.match(error.message, /line 1.*ssh-keygen -R 'host\.example'/)
      assert.equal(error.conflict?.fingerprint, other.fingerprint())
    }
  })

  it('is gone on with by no, untrusted, unremembered and with a warning nobody can miss; a revoked one too', async () => {
    for (const [lines, words] of [
      [[changed], /WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED/],
      [[known, `@revoked * ${text(ed)}`], /WARNING: REVOKED HOST KEY DETECTED/],
    ] as const) {
      const judged = await judge(lines, { strict: 'no', update: 'yes' })
      assert.deepEqual(judged.trust, { untrusted: true })
      assert.deepEqual(judged.lines, lines)
      assert.match(judged.warnings, words)
      assert.match(judged.warnings, /Passwords.* disabled/)
    }
  })

  it('that a list has revoked is refused whatever is set, and so are all when a list cannot be read', async () => {
    for (const revoked of [fileOf(text(ed)), [fileOf(text(rsa)), fileOf(text(ed))]])
      assert.equal((await judge([known], { strict: 'no', revoked })).error?.code, 'HOST_KEY_REVOKED')
    assert.equal((await judge([known], { strict: 'no', revoked: join(folder, 'absent') })).error?.code, 'HOST_KEY_REFUSED')
  })

  it('is not looked at on this machine, if so wanted', async () => {
    for (const address of ['127.0.0.1', '::1', '127.9.9.9'])
      assert.deepEqual((await judge([changed], { trustLoopback: true }, { address })).trust, {})
    assert.equal((await judge([changed], { trustLoopback: true })).error?.code, 'HOST_KEY_CHANGED')
    assert.equal(
      (await judge([changed], { trustLoopback: true, alias: 'host.example' }, { address: '::1' })).error?.code,
      'HOST_KEY_CHANGED',
    )
  })
})

describe('the address of a host', () => {
  const check = { checkAddress: true } as const
  const differing = [known, `192.0.2.1 ${text(other)}`]

  it('is remembered beside the name, or alone where that is known', async () => {
    assert.deepEqual((await judge([], { ...check, strict: 'no' })).lines, [`host.example,192.0.2.1 ${text(ed)}`])
    assert.equal((await judge([], { ...check, strict: 'no', hash: true })).lines.length, 2)
    assert.deepEqual((await judge([known], check)).lines, [known, `192.0.2.1 ${text(ed)}`])
    assert.deepEqual((await judge([], { ...check, strict: 'no' }, { port: 2222 })).lines, [
      `[host.example]:2222,[192.0.2.1]:2222 ${text(ed)}`,
    ])
  })

  it('with another key is refused, asked about, or told', async () => {
    for (const strict of ['yes', 'accept-new', 'ask'] as const)
      assert.equal((await judge(differing, { ...check, strict })).error?.code, 'HOST_KEY_CHANGED', strict)
    assert.match((await judge(differing, { ...check, strict: 'no' })).warnings, /differs from the one known for its address 192\.0\.2\.1/)
    const asked = await judge(differing, { ...check, answers: [true] })
    assert.deepEqual(asked.trust, {})
    assert.match(asked.asked.join(), /differs.*\nAre you sure/)
    assert.match((await judge([changed, `192.0.2.1 ${text(ed)}`], check)).error?.message ?? '', /POSSIBLE DNS SPOOFING/)
  })

  it('is left alone on this machine, behind a proxy, and where it is what was asked for', async () => {
    for (const place of [{ address: '127.0.0.1' }, { address: undefined }, { host: '192.0.2.1' }])
      assert.equal((await judge([], { ...check, strict: 'no' }, place)).lines[0]?.includes(','), false)
  })
})

describe('a command that knows hosts', () => {
  it('is asked for the name, for the order of algorithms, and for the address', async () => {
    const questions: KnownHostsQuestion[] = []
    const command = (question: KnownHostsQuestion): Promise<string> => Promise.resolve(questions.push(question) > 0 ? `${known}\n` : '')
    const judged = await judge([], { command, checkAddress: true, update: 'yes', strict: 'yes' })
    assert.deepEqual([judged.trust, judged.lines], [{}, []], 'nothing is written for what the command knows')
    const { preferredAlgorithms } = await knownHosts({ files: [], command })
    assert.deepEqual(await preferredAlgorithms('Host.Example', 22), ['ssh-ed25519'])
    assert.deepEqual(
      questions.map(({ invocation, name, key }) => [invocation, name, key?.type]),
      [
        ['HOSTNAME', 'host.example', 'ssh-ed25519'],
        ['ADDRESS', '192.0.2.1', 'ssh-ed25519'],
        ['ORDER', 'host.example', undefined],
      ],
    )
  })

  it('that fails lets nobody in', async () => {
    const command = (): Promise<string> => Promise.reject(new Error('no database'))
    const { error } = await judge([known], { command })
    assert.deepEqual([error?.code, error?.message], ['HOST_KEY_REFUSED', 'no database'])
  })

  it('is a program, whose time and output have an end', async () => {
    const notes: string[] = []
    const run = (script: string, timeout = 20_000): Promise<string> =>
      knownHostsCommand(({ name }) => ['/bin/sh', '-c', script, 'sh', name], { timeout, onNote: note => notes.push(note) })({
        invocation: 'HOSTNAME',
        name: 'a b',
        key: undefined,
      })
    assert.equal(await run('echo "$1"; echo oops >&2'), 'a b\n')
    assert.match(notes.join(), /said: oops/)
    for (const [script, words] of [
      ['exit 3', /status 3/],
      ['kill -9 $$', /SIGKILL/],
      ['yes', /more than/],
      ['sleep 100 & sleep 100', /did not end/],
    ] as const)
      await assert.rejects(
        run(script, script.startsWith('sleep') ? 200 : 20_000),
        (error: unknown) => error instanceof SshError && error.code === 'KNOWN_HOSTS_COMMAND_FAILED' && words.test(error.message),
      )
    await assert.rejects(
      knownHostsCommand(() => ['/nonexistent/program'])({ invocation: 'ORDER', name: 'x', key: undefined }),
      /cannot be started/,
    )
  })
})

describe('fingerprints in DNS', () => {
  const record = (key: PublicKey, algorithm = 4) => ({ algorithm, hash: 2, fingerprint: fingerprintDigest(key.blob, 'sha256') })
  const dns = (key: PublicKey, secure: boolean, advisory = false): Pick<KnownHostsOptions, 'dns'> => ({
    dns: { resolve: () => Promise.resolve({ records: [record(key)], secure }), advisory },
  })

  it('are enough when DNSSEC proves them, and nothing is written', async () => {
    const judged = await judge([], { ...dns(ed, true), strict: 'yes', update: 'yes' })
    assert.deepEqual([judged.trust, judged.lines], [{}, []])
    assert.deepEqual((await judge([changed], dns(ed, true))).trust, {})
  })

  it('are only told otherwise', async () => {
    for (const options of [dns(ed, false), dns(ed, true, true)]) {
      assert.equal((await judge([], options)).error?.code, 'HOST_KEY_UNKNOWN')
      assert.match((await judge([], { ...options, answers: [true] })).asked.join(), /matching/)
    }
    const wrong = await judge([known], dns(other, true))
    assert.deepEqual(wrong.trust, {})
    assert.match(wrong.warnings, /HAS CHANGED[^]*SSHFP/)
  })

  it('are not asked for by address, and a resolver that fails is no reason to refuse', async () => {
    const fails = { dns: { resolve: () => Promise.reject(new Error('timed out')) } }
    assert.deepEqual((await judge([known], fails)).trust, {})
    assert.equal((await judge([], dns(ed, true), { host: '192.0.2.1' })).error?.code, 'HOST_KEY_UNKNOWN')
  })

  it('of a list that revokes the key are too late', async () =>
    assert.equal((await judge([], { ...dns(ed, true), revoked: fileOf(text(ed)) })).error?.code, 'HOST_KEY_REVOKED'))
})

describe('resolv.conf', () => {
  it('names servers, how long to wait, and whether they may be believed', () => {
    assert.deepEqual(
      parseResolvConf('# x\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver no\noptions timeout:1 attempts:9 trust-ad\n'),
      {
        servers: [{ address: '192.0.2.1' }, { address: 'fe80::1%eth0' }],
        trustAuthentic: true,
        timeout: 1000,
        attempts: 5,
      },
    )
    assert.deepEqual(parseResolvConf('options edns0 ; trust-ad'), {
      servers: [{ address: '127.0.0.1' }],
      trustAuthentic: false,
      timeout: 5000,
      attempts: 2,
    })
    assert.equal(parseResolvConf('', ' trust-ad').trustAuthentic, true)
  })
})

describe('new keys of a host', () => {
  const announcing = async (lines: readonly string[], options: Partial<KnownHostsOptions>, keys = [ed, rsa]) => {
    const file = fileOf(...lines)
    const told: string[] = []
    const { policy } = await knownHosts({ files: [file], onNote: note => told.push(note), onWarning: note => told.push(note), ...options })
    const presented = { key: ed, fingerprint: ed.fingerprint(), algorithm: '', host: 'host.example', port: 22, address: undefined }
    const { announced } = (await policy(presented)) ?? {}
    const proven: PublicKey[] = []
    const prove = async (some: readonly PublicKey[]): Promise<readonly PublicKey[]> => {
      proven.push(...some)
      return some.filter(key => key !== other)
    }
    await announced?.({ keys, prove })
    return { offered: announced !== undefined, proven, lines: readFileSync(file, 'utf8').split('\n').slice(0, -1), told: told.join('\n') }
  }

  it('are proven before they are written down, and those not proven are not', async () => {
    const { proven, lines, told } = await announcing([known], { update: 'yes' }, [ed, rsa, other])
    assert.deepEqual(proven, [rsa, other])
    assert.deepEqual(lines, [known, `host.example ${text(rsa)}`])
    assert.match(told, /learned ssh-rsa SHA256/)
  })

  it('are only taken of kinds we would take ourselves', async () =>
    assert.deepEqual((await announcing([known], { update: 'yes', accepts: key => key.type !== 'ssh-rsa' })).lines, [known]))

  it('are asked about, and nothing changes without a yes', async () => {
    assert.equal((await announcing([known], { update: 'ask' })).offered, false, 'nobody can be asked')
    assert.deepEqual((await announcing([known], { update: 'ask', confirm: () => false })).lines, [known])
    assert.equal((await announcing([known], { update: 'ask', confirm: () => true })).lines.length, 2)
  })

  it('are not listened to where no line of the user vouches for the server', async () => {
    const system = fileOf(known)
    for (const [lines, options] of [
      [[known], { update: 'no' }],
      [[], { update: 'yes', globalFiles: [system] }],
      [[], { update: 'yes', strict: 'accept-new' }],
      [[changed], { update: 'yes', strict: 'no' }],
    ] as const)
      assert.equal((await announcing(lines, options)).offered, false)
    assert.equal((await announcing([], { update: 'yes', ask: () => true })).offered, true)
  })

  it('that cannot be written down are told of', async () => {
    const { told, lines } = await announcing([known], { update: 'yes', confirm: () => true, accepts: () => assert.fail('a disk is full') })
    assert.match(told, /The host keys of host\.example were not updated: a disk is full/)
    assert.deepEqual(lines, [known])
  })
})
