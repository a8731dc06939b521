// Owns who goes and who stays when somebody is killed, stopped, reads nothing or answers nothing: of the programs, the sessions and
// the forwards of one connection and of the others, at both ends. What is left behind is looked for in /proc and among the files.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { describe } from 'node:test'
import type { ClientConnection } from 'nacre'
import { openSshCommand, openSshServer, type OpenSshServerOptions } from './peers/openssh.ts'
import type { PeerServer, Prepared } from './peers/peer.ts'
import { MiB } from './rig/bytes.ts'
import { freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { asking, held, isListening, isZombie, memoryOf, reaching, tcpRows, withWord } from './rig/proc.ts'
import { type Running, start, withinSeconds } from './rig/process.ts'
import {
  type At,
  counting,
  deaf,
  echoing,
  exchange,
  flooding,
  listening,
  pause,
  reach,
  type Service,
  silent,
  userPath,
} from './rig/services.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreSshCommand, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const ours = (options: Partial<OpenSshServerOptions> = {}): Promise<PeerServer> => nacreSshd({ accepts, ...options })
const theirs = (): Promise<PeerServer> => openSshServer({ accepts })
const clients = { 'OpenSSH ssh': openSshCommand, 'nacre ssh': nacreSshCommand } as const
type Client = keyof typeof clients

const skip = process.platform === 'linux' ? false : 'looks into /proc'
const portOf = ({ address }: { readonly address: object }): number => ('port' in address ? Number(address.port) : 0)
const begun = async ({ command, options }: Prepared): Promise<Running> => await start(command, options)

const until = async (what: () => boolean, why: () => string, seconds = 30): Promise<void> => {
  const end = Date.now() + seconds * 1000
  while (!what()) {
    if (Date.now() > end) throw new Error(why())
    await pause(50)
  }
}

/** What is said and heard over a connection or with a program, line by line. */
interface Talk {
  line(): Promise<string>
  say(text: string): void
}

const talkWith = (source: { on(event: 'data', taken: (bytes: Uint8Array) => void): unknown }, write: (text: string) => void): Talk => {
  let text = ''
  source.on('data', bytes => (text += Buffer.from(bytes).toString()))
  return {
    say: words => write(`${words}\n`),
    async line() {
      await until(
        () => text.includes('\n'),
        () => `no line came, but ${JSON.stringify(text)}`,
      )
      const [line = ''] = text.split('\n')
      text = text.slice(line.length + 1)
      return line.replace('\r', '')
    },
  }
}

/** Says something that is sent back, and demands that it is. */
const answers = async (talk: Talk, text: string): Promise<void> => {
  talk.say(text)
  assert.equal(await talk.line(), text)
}

const talkAt = (at: At): Talk & { readonly socket: Socket } => {
  const socket = reach(at).on('error', () => {})
  return { socket, ...talkWith(socket, text => void socket.write(text)) }
}

const talkOf = (program: Running): Talk => talkWith(program.stdout, text => void program.stdin.write(text))

/** A shell that tells its number and then sends back each line. */
const parrot = `echo $$; while read -r line; do echo "$line"; done`

const sessionOf = async (connection: ClientConnection, command = parrot, options = {}) => {
  const session = await connection.exec(command, options)
  // What came already is told within the call.
  const heard = {
    on: (_: 'data', taken: (bytes: Uint8Array) => void) => session.tap({ stdout: bytes => void taken(bytes), stderr: () => {} }),
  }
  const talk = talkWith(heard, text => void session.write(Buffer.from(text)))
  return { session, talk, shell: Number(await talk.line()) }
}

/** A connection with a session, a forward and a reverse in use, of which all have to go on. */
const bystander = async (connection: ClientConnection, service: Service) => {
  const to = `127.0.0.1:${service.at}`
  const { talk } = await sessionOf(connection)
  const forward = await connection.forward({ listen: '127.0.0.1:0', to })
  const reverse = await connection.reverse({ listen: 0, to })
  const standing = [talk, talkAt(portOf(forward)), talkAt(portOf(reverse))]
  const goesOn = async (): Promise<void> => {
    for (const each of standing) await answers(each, 'I am still here')
    for (const at of [portOf(forward), portOf(reverse)]) {
      const anew = talkAt(at)
      await answers(anew, 'and come anew')
      anew.socket.destroy()
    }
    assert.equal((await connection.run('echo a session too')).stdout, 'a session too\n')
  }
  await goesOn()
  return { goesOn }
}

let words = 0
const marker = (): string => `nacre-survival-${process.pid}-${words++}`

/** What there is of a server's, to be the same again later. */
const stateOf = (server: PeerServer, service: Service): string =>
  JSON.stringify({ ...held(server.process.pid), below: server.process.descendants().length, service: service.open })

describe('a client of nacre sshd that is killed', { skip, concurrency: 2 }, () => {
  for (const [name, pty] of [
    ['OpenSSH ssh', true],
    ['nacre ssh', false],
  ] as const satisfies readonly (readonly [Client, boolean])[])
    test(`${name} ${pty ? 'with' : 'without'} a terminal: all of it goes, and nothing of others`, {}, async () => {
      await using server = await ours()
      await using service = await echoing()
      await using other = await nacreConnect(server.to, login)
      const stays = await bystander(other, service)
      const agentAt = freshPath('agent')
      await using agent = await start(['ssh-agent', '-D', '-a', agentAt])
      await until(
        () => existsSync(agentAt),
        () => agent.log(),
      )
      let before = stateOf(server, service)
      await until(
        () => before === (before = stateOf(server, service)),
        () => before,
      )
      const [near, far, farPath, word] = [await freePort(), await freePort(), userPath(), marker()]
      const to = `127.0.0.1:${service.at}`
      const prepared = clients[name]({
        to: server.to,
        login,
        pty,
        // The word stays in the command line of the shell that waits, and of what it started in the background.
        command: `echo "$SSH_AUTH_SOCK"; sh -c 'sleep 600; :' ${word} & exec sh -c 'echo ready; while :; do sleep 1; done' ${word}`,
        options: ['-A', `-L${near}:${to}`, `-R${far}:${to}`, `-R${farPath}:${to}`],
      })
      await using client = await begun({
        ...prepared,
        options: { ...prepared.options, env: { ...prepared.options.env, SSH_AUTH_SOCK: agentAt } },
      })
      const talk = talkOf(client)
      const agentThere = await talk.line()
      assert.ok(existsSync(agentThere), `${agentThere} ${client.log()}`)
      assert.equal(await talk.line(), 'ready')
      for (const at of [near, far, farPath]) await answers(talkAt(at), 'through it')
      assert.ok(isListening(far))
      client.kill('SIGKILL')
      await client.exited
      const left = (): Readonly<Record<string, unknown>> => ({
        listens: isListening(far),
        files: [farPath, agentThere].filter(each => existsSync(each)),
        programs: withWord(word).length,
        state: stateOf(server, service) === before ? undefined : stateOf(server, service),
      })
      const nothing = JSON.stringify({ listens: false, files: [], programs: 0 })
      await until(
        () => JSON.stringify(left()) === nothing,
        () => `${JSON.stringify(left())}, and before ${before}`,
      )
      assert.deepEqual(server.process.descendants().filter(isZombie), [])
      await stays.goesOn()
    })
})

describe('nacre ssh that is killed', { skip, concurrency: 2 }, () => {
  test('leaves no program, no port and no session; another one beside it goes on', {}, async () => {
    await using server = await theirs()
    await using service = await echoing()
    const [word, beside] = [marker(), marker()]
    const to = `127.0.0.1:${service.at}`
    const relays = `const s = require('node:net').connect(${server.to.port}, '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout)`
    const beginOne = async (name: string) => {
      const [near, far] = [await freePort(), await freePort()]
      const program = await begun(
        nacreSshCommand({
          to: server.to,
          login,
          command: `exec sh -c '${parrot}' ${name}`,
          options: [`ProxyCommand=${process.execPath} -e "${relays}" ${name}`, `-L${near}:${to}`, `-R${far}:${to}`],
        }),
      )
      const talk = talkOf(program)
      await talk.line()
      const through = [talkAt(near), talkAt(far)]
      for (const each of through) await answers(each, 'through it')
      // Its way there, and its command.
      assert.equal(withWord(name).length, 2)
      return { program, ports: [near, far], all: [talk, ...through] }
    }
    const stays = await beginOne(beside)
    const goes = await beginOne(word)
    goes.program.kill('SIGKILL')
    await until(
      () => withWord(word).length === 0 && !goes.ports.some(isListening) && service.open === 2,
      () => `${withWord(word).length} programs, ${service.open} connections, listening: ${goes.ports.map(isListening).join()}`,
    )
    for (const each of stays.all) await answers(each, 'I am still here')
    await stays.program[Symbol.asyncDispose]()
  })
})

describe('a session that is killed', { skip, concurrency: 2 }, () => {
  for (const [name, begin] of [
    ['nacre sshd', ours],
    ['OpenSSH’s sshd', theirs],
  ] as const)
    test(`at ${name}: the others of its connection go on, with their forwards`, {}, async () => {
      await using server = await begin()
      await using service = await echoing()
      await using connection = await nacreConnect(server.to, login)
      const stays = await bystander(connection, service)
      const piped = await sessionOf(connection)
      const onTerminal = await sessionOf(connection, `stty -echo; ${parrot}`, { pty: { columns: 80, rows: 24 } })
      const third = await sessionOf(connection)
      for (const { session, shell } of [piped, onTerminal]) {
        process.kill(shell, 'SIGKILL')
        const exit = await withinSeconds(10, session.exited, () => 'the session of a killed shell did not end')
        assert.equal('signal' in exit && exit.signal, 'KILL')
        await until(
          () => !existsSync(`/proc/${shell}`),
          () => `${shell} is left ${isZombie(shell) ? 'as a zombie' : ''}`,
        )
        await answers(third.talk, 'I stay')
        await stays.goesOn()
      }
    })
})

describe('one that never reads', { skip, concurrency: 2 }, () => {
  test(
    'a client’s program, of twenty connections at nacre sshd: memory is bounded, and the rest of the connection goes on',
    {},
    async () => {
      await using server = await ours()
      await using flood = await flooding()
      await using service = await echoing()
      await using connection = await nacreConnect(server.to, login)
      await using other = await nacreConnect(server.to, login)
      const [stays, apart] = [await bystander(connection, service), await bystander(other, service)]
      const before = memoryOf(server.process.pid)
      const unread = await Promise.all(Array.from({ length: 20 }, () => connection.dial(`127.0.0.1:${flood.at}`)))
      const sent = await settled(flood.sent)
      await stays.goesOn()
      await apart.goesOn()
      console.log('sent', sent / MiB, 'grew', (memoryOf(server.process.pid) - before) / MiB)
      assert.ok(memoryOf(server.process.pid) - before < 48 * MiB, `${(memoryOf(server.process.pid) - before) / MiB} MiB more`)
      for (const each of unread) each.abort()
      await until(
        () => flood.open === 0,
        () => `${flood.open} connections are left`,
      )
    },
  )

  test(
    'a whole client that is stopped: nacre sshd waits with its commands and forwards, others go on, and killed it is gone',
    {},
    async () => {
      await using server = await ours()
      await using flood = await flooding()
      await using service = await echoing()
      await using other = await nacreConnect(server.to, login)
      const stays = await bystander(other, service)
      const before = memoryOf(server.process.pid)
      const near = await freePort()
      const word = marker()
      const asks = { to: server.to, login, command: `exec sh -c 'exec yes ${word}' ${word}`, options: [`-L${near}:127.0.0.1:${flood.at}`] }
      await using client = await begun(openSshCommand(asks))
      await new Promise(resolve => client.stdout.once('data', resolve))
      client.stdout.resume()
      const takers = Array.from({ length: 10 }, () =>
        reach(near)
          .on('error', () => {})
          .resume(),
      )
      await until(
        () => flood.open === 10,
        () => client.log(),
      )
      client.kill('SIGSTOP')
      const sent = await settled(flood.sent)
      await stays.goesOn()
      console.log('stopped sent', sent / MiB, 'grew', (memoryOf(server.process.pid) - before) / MiB)
      assert.ok(memoryOf(server.process.pid) - before < 48 * MiB, `${(memoryOf(server.process.pid) - before) / MiB} MiB more`)
      client.kill('SIGKILL')
      await until(
        () => flood.open === 0 && withWord(word).length === 0,
        () => `${flood.open} connections and ${withWord(word).length} programs are left`,
      )
      for (const each of takers) each.destroy()
      await stays.goesOn()
    },
  )

  test(
    'a server that is stopped: nacre ssh takes no more than it can send, and all of it arrives when the server goes on',
    {},
    async () => {
      await using server = await theirs()
      await using service = await counting()
      const near = await freePort()
      const asks = { to: server.to, login, command: undefined, options: ['-N', `-L${near}:127.0.0.1:${service.at}`] }
      await using client = await begun(nacreSshCommand(asks))
      await listening(near, client)
      assert.equal(await exchange(near, 1000), '1000 bytes')
      const before = memoryOf(client.pid)
      const below = server.process.descendants()
      for (const each of below) process.kill(each, 'SIGSTOP')
      const count = 32 * MiB
      const all = Array.from({ length: 3 }, () => exchange(near, count))
      await pause(700)
      const grew = memoryOf(client.pid) - before
      console.log('client grew', grew / MiB)
      for (const each of below) process.kill(each, 'SIGCONT')
      assert.ok(grew < 48 * MiB, `${grew / MiB} MiB more`)
      assert.deepEqual(
        await Promise.all(all),
        Array.from({ length: 3 }, () => `${count} bytes`),
      )
    },
  )
})

describe('a target that answers nothing', { skip, concurrency: 2 }, () => {
  for (const name of ['OpenSSH ssh', 'nacre ssh'] as const)
    test(`to ${name} at nacre sshd: others go on, and those who wait go with the client`, {}, async () => {
      await using server = await ours()
      await using service = await echoing()
      await using dumb = await deaf()
      await using hole = await silent()
      await using other = await nacreConnect(server.to, login)
      const stays = await bystander(other, service)
      const [toHole, toDumb, works, socks] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
      const targets = [`${toHole}:127.0.0.1:${hole.at}`, `${toDumb}:127.0.0.1:${dumb.at}`, `${works}:127.0.0.1:${service.at}`]
      const options = [...targets.map(each => `-L${each}`), `-D${socks}`]
      await using client = await begun(clients[name]({ to: server.to, login, command: parrot, options }))
      const talk = talkOf(client)
      await talk.line()
      await listening(works, client)
      const own = asking(hole.at)
      const standing = talkAt(works)
      const stuck = Array.from({ length: 20 }, () => talkAt(toHole))
      for (let count = 0; count < 5; count++) stuck.push(socksTo(socks, hole.at))
      for (const each of stuck) each.say('is anybody there?')
      const unread = talkAt(toDumb)
      unread.socket.write(Buffer.alloc(16 * MiB))
      await until(
        () => asking(hole.at) === own + 25 && dumb.open === 1,
        () => `${asking(hole.at) - own} ask, ${dumb.open} wait; ${client.log()}`,
      )
      await answers(standing, 'others talk')
      await answers(talkAt(works), 'new ones too')
      await answers(socksTo(socks, service.at), 'by SOCKS too')
      await answers(talk, 'and the session')
      await stays.goesOn()
      client.kill('SIGKILL')
      await until(
        () => asking(hole.at) === own && reaching(dumb.at) === 0,
        () => `${asking(hole.at) - own} still ask, ${reaching(dumb.at)} wait`,
      )
      await stays.goesOn()
    })

  test('from a server to nacre’s client: others go on, and those who wait go with the connection', {}, async () => {
    await using server = await theirs()
    await using service = await echoing()
    await using dumb = await deaf()
    await using hole = await silent()
    await using connection = await nacreConnect(server.to, login)
    const stays = await bystander(connection, service)
    const toHole = await connection.reverse({ listen: 0, to: `127.0.0.1:${hole.at}` })
    const toDumb = await connection.reverse({ listen: 0, to: `127.0.0.1:${dumb.at}` })
    const own = asking(hole.at)
    const stuck = Array.from({ length: 20 }, () => talkAt(portOf(toHole)))
    const unread = talkAt(portOf(toDumb))
    unread.socket.write(Buffer.alloc(16 * MiB))
    await until(
      () => asking(hole.at) === own + 20 && dumb.open === 1,
      () => `${asking(hole.at) - own} ask, ${dumb.open} wait`,
    )
    await stays.goesOn()
    await connection.close()
    await until(
      () => asking(hole.at) === own && reaching(dumb.at) === 0,
      () => `${asking(hole.at) - own} still ask, ${reaching(dumb.at)} wait`,
    )
    for (const each of [...stuck, unread]) each.socket.destroy()
  })

  test('a thousand forwards that OpenSSH’s ssh asks nacre sshd for at once all stand, and all go with it', {}, async () => {
    await using server = await ours()
    await using service = await echoing()
    await using other = await nacreConnect(server.to, login)
    const stays = await bystander(other, service)
    const paths = Array.from({ length: 1000 }, userPath)
    const options = paths.map(path => `-R${path}:127.0.0.1:${service.at}`)
    await using client = await begun(openSshCommand({ to: server.to, login, command: parrot, options }))
    await talkOf(client).line()
    await until(
      () => paths.every(each => existsSync(each)),
      () => `${paths.filter(each => existsSync(each)).length} stand; ${client.log()}`,
    )
    for (const path of [paths[0], paths[999]]) await answers(talkAt(path ?? ''), 'through it')
    client.kill('SIGKILL')
    await until(
      () => !paths.some(each => existsSync(each)),
      () => `${paths.filter(each => existsSync(each)).length} are left`,
    )
    await stays.goesOn()
  })

  test('a thousand forwards of one connection stand at once, each in use, and all go with it', {}, async () => {
    await using server = await ours()
    await using service = await echoing()
    await using connection = await nacreConnect(server.to, login, { limits: { maximumChannels: 2000 } })
    const to = `127.0.0.1:${service.at}`
    const half = Array.from({ length: 500 }, () => 0)
    const forwards = await Promise.all(half.map(() => connection.forward({ listen: '127.0.0.1:0', to })))
    const reverses = await Promise.all(half.map(() => connection.reverse({ listen: 0, to })))
    const ports = new Set([...forwards, ...reverses].map(portOf))
    assert.equal(ports.size, 1000)
    const talks = [...ports].map(talkAt)
    await withinSeconds(20, Promise.all(talks.map((each, index) => answers(each, `forward ${index}`))), () => 'one of them hangs')
    assert.equal(service.open, 1000)
    await connection.close()
    const left = (): number => tcpRows().filter(row => row.state === 'listening' && ports.has(row.local)).length
    await until(
      () => left() === 0 && service.open === 0,
      () => `${left()} still listen, ${service.open} connections stand`,
    )
    for (const each of talks) each.socket.destroy()
  })
})

/** Asks a SOCKS 4 proxy for a port of 127.0.0.1; its answer is taken off what is heard. */
const socksTo = (socks: number, to: At): Talk & { readonly socket: Socket } => {
  const socket = reach(socks).on('error', () => {})
  const port = Number(to)
  // Version, connect, port, address, and an empty name.
  socket.write(Uint8Array.of(4, 1, port >> 8, port & 0xff, 127, 0, 0, 1, 0))
  let skipped = 8
  const heard = {
    on: (_: 'data', taken: (bytes: Uint8Array) => void) =>
      socket.on('data', (bytes: Buffer) => {
        const rest = bytes.subarray(skipped)
        skipped -= bytes.length - rest.length
        taken(rest)
      }),
  }
  return { socket, ...talkWith(heard, text => void socket.write(text)) }
}

describe('nacre sshd that is killed', { skip, concurrency: 2 }, () => {
  test('its clients end and say so, its terminals hang up, what reads or writes ends; no port stays taken', {}, async () => {
    await using server = await ours()
    await using service = await echoing()
    await using connection = await nacreConnect(server.to, login)
    const reverse = await connection.reverse({ listen: 0, to: `127.0.0.1:${service.at}` })
    const word = marker()
    const hungUp = userPath()
    // One on a terminal writes down that it was told.
    const told = `trap "echo hangup >${hungUp}; exit" HUP; echo $$; while :; do sleep 0.1; done`
    await sessionOf(connection, `exec sh -c '${told}' ${word}`, { pty: { columns: 80, rows: 24 } })
    const reads = await sessionOf(connection, `exec sh -c 'echo $$; cat; :' ${word}`)
    const writes = await sessionOf(connection, `exec sh -c 'echo $$; while :; do echo on || exit; sleep 0.1; done' ${word}`)
    const clientsEnd: Running[] = []
    const ports = [portOf(reverse)]
    for (const each of Object.values(clients)) {
      const [near, far] = [await freePort(), await freePort()]
      const options = [`-L${near}:127.0.0.1:${service.at}`, `-R${far}:127.0.0.1:${service.at}`]
      const client = await begun(each({ to: server.to, login, command: parrot, options }))
      await talkOf(client).line()
      for (const port of [near, far]) await answers(talkAt(port), 'through it')
      clientsEnd.push(client)
      ports.push(near, far)
    }
    assert.equal(withWord(word).length, 3)
    assert.ok(ports.every(isListening))
    server.process.kill('SIGKILL')
    await assert.rejects(reads.session.exited, { code: 'CONNECTION_LOST' })
    await assert.rejects(writes.session.exited, { code: 'CONNECTION_LOST' })
    await assert.rejects(connection.run('true'), { code: 'CONNECTION_LOST' })
    for (const each of clientsEnd) {
      const { code } = await withinSeconds(10, each.exited, () => `${each.name} did not end`)
      assert.equal(code, 255)
      assert.match(
        each.log(),
        /^(Connection to .* closed by remote host|The connection ended without a goodbye)|Broken pipe|reset by peer/m,
      )
      await each[Symbol.asyncDispose]()
    }
    await until(
      () => withWord(word).length === 0 && service.open === 0 && !ports.some(isListening),
      () => `${withWord(word).length} programs, ${service.open} connections, listening: ${ports.map(isListening).join()}`,
    )
    assert.equal(readFileSync(hungUp, 'utf8'), 'hangup\n')
    assert.ok(!isListening(server.to.port))
  })
})

/** What a number has come to when it no longer grows. */
const settled = async (read: () => number): Promise<number> => {
  let last = -1
  await until(
    () => {
      const now = read()
      const same = now === last
      last = now
      return same && now > 0
    },
    () => `it still grows: ${last}`,
  )
  return last
}
