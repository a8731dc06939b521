// Owns `npm run record`: records conversations with the peers of this machine as transcripts that tests replay. Knows nothing
// of what is said in them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { badEnd, parseTranscript } from 'nacre/testing'
import { type Case, casesOf } from './recording/cases.ts'
import { withinSeconds } from './rig/process.ts'
import { byCommandLines, openSsh, peers, type RecordedPeer } from './recording/peers.ts'

const usage = `npm run record -- --peer NAME [--role client|server] [--case NAME] [--all]

Records conversations of our client and our server with NAME, which is one of
  ${Object.keys(peers).join(', ')}
and writes them to packages/nacre/test/transcripts. Conversations that are there for one algorithm are recorded
only where no transcript shows it yet, unless --all says so.

  --ssh PATH --sshd PATH         another build of OpenSSH, with --peer openssh
  --client WORDS --server WORDS  any other peer, by its command lines: see recording/peers.ts
  --list                         only say what would be recorded`

const folder = fileURLToPath(new URL('../packages/nacre/test/transcripts', import.meta.url))

const { values } = parseArgs({
  options: {
    peer: { type: 'string' },
    role: { type: 'string' },
    case: { type: 'string' },
    ssh: { type: 'string' },
    sshd: { type: 'string' },
    client: { type: 'string' },
    server: { type: 'string' },
    all: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const peerOf = (name: string): RecordedPeer => {
  if (values.client !== undefined || values.server !== undefined) return byCommandLines(name, values.client, values.server)
  if (name === 'openssh') return openSsh(values.ssh, values.sshd)
  const make = peers[name]
  if (make === undefined) throw new TypeError(`There is no peer ${name}.\n${usage}`)
  return make()
}

/** True when some transcript of the same role was made for this algorithm. */
const isThere = (each: Case): boolean =>
  each.algorithm !== undefined &&
  readdirSync(folder, { withFileTypes: true }).some(
    entry => entry.isDirectory() && existsSync(join(folder, entry.name, `${each.role}-${each.name}.jsonl`)),
  )

const attempts = 3

/** A conversation may go otherwise than its case wants, by a matter of timing: it is then held again. */
const record = async (each: Case, peer: RecordedPeer): Promise<string> => {
  for (let attempt = 1; ; attempt++) {
    try {
      const text = await withinSeconds(20, each.record(peer), () => 'it does not end')
      const recorded = parseTranscript(text)
      const end = badEnd(recorded)
      if (end?.what !== recorded.header.expects)
        throw new TypeError(
          `it should end by ${recorded.header.expects ?? 'no fault'}, and ended by ${end?.what ?? 'none'}: ${end?.message ?? ''}`,
        )
      return text
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

const main = async (): Promise<void> => {
  if (values.help) {
    console.log(usage)
    return
  }
  if (values.peer === undefined) {
    console.error(usage)
    process.exitCode = 2
    return
  }
  const peer = peerOf(values.peer)
  const wanted = casesOf(peer).filter(
    each =>
      (values.role === undefined || each.role === values.role) &&
      (values.case === undefined || each.name === values.case) &&
      (values.all || values.case !== undefined || !isThere(each)),
  )
  mkdirSync(join(folder, peer.id), { recursive: true })
  for (const each of wanted) {
    const file = join(folder, peer.id, `${each.role}-${each.name}.jsonl`)
    if (values.list) {
      console.log(`${each.role}-${each.name}: ${each.about}`)
      continue
    }
    try {
      const text = await record(each, peer)
      writeFileSync(file, text)
      console.log(
        `${relative(process.cwd(), file)}  ${text.length} bytes, ${parseTranscript(readFileSync(file, 'utf8')).packets.length} packets`,
      )
    } catch (error) {
      process.exitCode = 1
      console.error(`${each.role}-${each.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
}

await main()
// Programs of the tests' own that are still there go with this process.
process.exit()
