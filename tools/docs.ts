// Owns the reference pages made from the tables the code itself uses. `--check` writes nothing and fails when a page is
// not what the tables say. Knows nothing of the hand-written pages.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KexMethod, Standing } from '../packages/nacre/src/algorithms/rows.ts'
import { ciphers, compressions, keyExchanges, keyTypes, macs, signatureAlgorithms } from '../packages/nacre/src/algorithms/tables.ts'
import { authMessages } from '../packages/nacre/src/auth/messages.ts'
import { authMethods } from '../packages/nacre/src/auth/methods/table.ts'
import { clientDialect } from '../packages/nacre/src/config/client-keywords.ts'
import { serverDialect } from '../packages/nacre/src/config/server-keywords.ts'
import type { KeywordTable, NotInEffect } from '../packages/nacre/src/config/table.ts'
import { connectionMessages } from '../packages/nacre/src/connection/messages.ts'
import { admit, type Situation } from '../packages/nacre/src/engine/admission.ts'
import { disconnectReasons, type SftpStatus, sftpStatuses, violations } from '../packages/nacre/src/errors.ts'
import { transportMessages } from '../packages/nacre/src/transport/messages.ts'
import { extensions } from '../packages/nacre/src/sftp/extensions/table.ts'
import { packetTypes } from '../packages/nacre/src/sftp/messages.ts'
import { defaultLimits, sftpRequestNames } from '../packages/nacre/src/sftp/server/options.ts'
import { codeOfStatus } from '../packages/nacre/src/sftp/status.ts'
import type { Message } from '../packages/nacre/src/wire/message.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``

const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heading, heading.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')

const page = (title: string, from: string, ...parts: readonly string[]): string =>
  `# ${title}\n\n<!-- Made by \`npm run docs\` from ${from}. Do not edit. -->\n\n${parts.join('\n\n')}\n`

// ── algorithms ──────────────────────────────────────────────────────────────────────────────────────────────────────

const standings: Readonly<Record<Standing, string>> = {
  default: 'default',
  'offered-on-request': 'on request',
  insecure: '**insecure**, on request',
}

const algorithmRows = <Row extends { readonly name: string; readonly standing: Standing }>(
  rows: readonly Row[],
  columns: Readonly<Record<string, (row: Row) => string>>,
): string =>
  table(
    ['Name', 'Offered', ...Object.keys(columns)],
    rows.map(row => [code(row.name), standings[row.standing], ...Object.values(columns).map(cell => cell(row))]),
  )

const algorithmsPage = (): string =>
  page(
    'Algorithms',
    'packages/nacre/src/algorithms/tables.ts',
    'In order of preference. *On request* means that an option has to name it; *insecure* ones are broken or too weak, and exist for old peers only.',
    '## Key exchange',
    algorithmRows<KexMethod>(keyExchanges, { Hash: row => row.hash }),
    '## Host keys and signatures',
    algorithmRows(signatureAlgorithms, { 'Key type': row => code(row.keyType) }),
    `Key types: ${keyTypes.map(row => `${code(row.name)} (${row.shortName})`).join(', ')}.`,
    '## Ciphers',
    algorithmRows(ciphers, {
      'Key bits': row => String(row.keyBytes * 8),
      Integrity: row => (row.integrity === 'built-in' ? 'its own' : 'a MAC'),
    }),
    '## MACs',
    algorithmRows(macs, {
      'Tag bits': row => String(row.tagBytes * 8),
      Order: row => (row.encryptThenMac ? 'encrypt, then MAC' : 'MAC, then encrypt'),
    }),
    '## Compression',
    algorithmRows(compressions, { Starts: row => row.starts.replaceAll('-', ' ') }),
  )

// ── violations ──────────────────────────────────────────────────────────────────────────────────────────────────────

const sources = (): readonly { readonly path: string; readonly text: string }[] => {
  const folder = join(root, 'packages/nacre/src')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .sort()
    .map(name => ({ path: name.replaceAll('\\', '/'), text: readFileSync(join(folder, name), 'utf8') }))
}

const violationsPage = (): string => {
  const files = sources()
  const rows = Object.entries(violations).map(([violation, reason]) => [
    code(violation),
    code(`PROTOCOL_${violation.toUpperCase().replaceAll('-', '_')}`),
    `${reason} (${disconnectReasons[reason]})`,
    files
      .filter(file => file.text.includes(file.path === 'errors.ts' ? `super('${violation}'` : `'${violation}'`))
      .map(file => code(file.path))
      .join(', '),
  ])
  return page(
    'Violations',
    'packages/nacre/src/errors.ts',
    'Every way in which a peer can break the protocol. The connection ends with a `ProtocolError` that carries the violation and its code, and the peer is sent the disconnect reason (RFC 4250 §4.2.2). The rule that was broken is cited where the violation is raised.',
    table(['Violation', 'Code', 'Disconnect reason', 'Raised in'], rows),
  )
}

// ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

const situations: readonly { readonly name: string; readonly at: Omit<Situation, 'us'> }[] = [
  { name: 'first key exchange', at: { stage: 'exchange', peerIsExchanging: true, strict: false } },
  { name: 'the same, strict', at: { stage: 'exchange', peerIsExchanging: true, strict: true } },
  { name: 'before login', at: { stage: 'service', peerIsExchanging: false, strict: true } },
  { name: 'login', at: { stage: 'auth', peerIsExchanging: false, strict: true } },
  { name: 'connection', at: { stage: 'connection', peerIsExchanging: false, strict: true } },
  { name: 'connection, new keys under way', at: { stage: 'connection', peerIsExchanging: true, strict: true } },
]

const admissionCell = (message: Message, us: Situation['us'], at: Omit<Situation, 'us'>): string => {
  const admission = admit(message, { us, ...at })
  return admission === 'take' ? 'yes' : admission === 'ignore' ? 'ignored' : code(admission)
}

const admissionGrid = (messages: readonly Message[], us: Situation['us']): string =>
  table(
    ['Message', ...situations.map(each => each.name)],
    messages.map(message => [message.name.replace(/^SSH2?_MSG_/, ''), ...situations.map(({ at }) => admissionCell(message, us, at))]),
  )

const messageRows = (messages: readonly (readonly [string, Message])[]): string =>
  table(
    ['Number', 'Message', 'Phase', 'From', 'Fields'],
    messages.map(([owner, message]) => [
      String(message.number),
      `${code(message.name)}${owner === '' ? '' : ` (${owner})`}`,
      message.phase,
      message.from,
      Object.keys(message.fields)
        .map(field => (message.secret.includes(field) ? `${field} (never shown)` : field))
        .join(', '),
    ]),
  )

/** The messages that belong to a dialogue, each once, with the dialogues that use it. */
const owned = (
  dialogues: readonly { readonly name: string; readonly messages: readonly Message[] }[],
): readonly (readonly [string, Message])[] => {
  const owners = new Map<Message, string[]>()
  for (const dialogue of dialogues)
    for (const message of dialogue.messages) owners.set(message, [...(owners.get(message) ?? []), code(dialogue.name)])
  return [...owners].map(
    ([message, names]) => [names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', '), message] as const,
  )
}

const messagesPage = (): string => {
  const fixed = [...transportMessages, ...authMessages, ...connectionMessages].toSorted((a, b) => a.number - b.number)
  const plain = (messages: readonly Message[]): readonly (readonly [string, Message])[] => messages.map(each => ['', each] as const)
  return page(
    'Messages',
    'the `messages.ts` files and packages/nacre/src/engine/admission.ts',
    'Every message nacre speaks, with the two columns that decide when it may come: the phase and the sender.',
    '## Transport (RFC 4253)',
    messageRows(plain(transportMessages)),
    '## Key exchange, 30 to 49',
    'Each method has its own meaning for these numbers; the lookup uses the list of the method that runs.',
    messageRows(owned(keyExchanges)),
    '## Authentication (RFC 4252)',
    messageRows([...plain(authMessages), ...owned(authMethods)]),
    '## Connection (RFC 4254)',
    messageRows(plain(connectionMessages)),
    '## When a message is taken',
    'What becomes of a message that comes from the peer, by where the connection stands: *yes*, *ignored*, or the violation that ends the connection.',
    '### When we are the server',
    admissionGrid(fixed, 'server'),
    '### When we are the client',
    admissionGrid(fixed, 'client'),
  )
}

// ── keywords ────────────────────────────────────────────────────────────────────────────────────────────────────────

const keywordRows = (keywords: KeywordTable): string =>
  table(
    ['Keyword', 'Value', 'Default'],
    Object.values(keywords)
      .filter(row => row.notInEffect === undefined)
      .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
      .map(row => {
        const shown = row.fallback === undefined ? [] : row.kind.show(row.fallback)
        return [row.name, row.kind.means.replaceAll('|', '\\|'), shown.length === 0 ? '—' : shown.map(code).join(', ')]
      }),
  )

const fates: Readonly<Record<NotInEffect<unknown>['otherwise'], string>> = {
  ignore: 'Known, and without effect',
  warn: 'Known, without effect, with a warning',
  refuse: 'Refused, because going on would be less safe or go elsewhere',
}

const unsupportedLists = (keywords: KeywordTable): string =>
  (['refuse', 'warn', 'ignore'] as const)
    .map(fate => {
      const names = Object.values(keywords)
        .filter(row => row.notInEffect?.otherwise === fate)
        .map(row => row.name)
        .toSorted((a, b) => a.localeCompare(b, 'en'))
      return `**${fates[fate]}:** ${names.join(', ')}.`
    })
    .join('\n\n')

const keywordsPage = (): string =>
  page(
    'Configuration keywords',
    'packages/nacre/src/config/client-keywords.ts and server-keywords.ts',
    'What `nacre sshd` reads from sshd_config and `nacre ssh` from ssh_config, or either from `-o`. The first value of a keyword wins, unless it may be repeated. A keyword that is in none of these lists is an error with file and line.',
    '`Include` and `Match` blocks are read in both, `Host` blocks in ssh_config; [ssh-config.md](../ssh-config.md) says how.',
    '## sshd_config',
    keywordRows(serverDialect.table),
    unsupportedLists(serverDialect.table),
    '## ssh_config',
    keywordRows(clientDialect.table),
    unsupportedLists(clientDialect.table),
  )

// ── sftp ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const sftpVersionNumbers = [3, 4, 5, 6] as const

const sftpPage = (): string =>
  page(
    'SFTP',
    'packages/nacre/src/sftp/extensions/table.ts, server/options.ts, messages.ts and status.ts',
    'What a file server of nacre speaks. It answers in the version the client asks for, from 3 to 6. How each version writes what it has in its own way is in `sftp/versions/`.',
    '## Extensions',
    'A program adds its own by the option `extensions`. *Changes* means that a server that only reads refuses it.',
    table(
      ['Name', 'For', 'Versions', 'Answer', 'Changes'],
      extensions.map(row => [
        code(row.name),
        row.about,
        row.versions === undefined ? '3 to 6' : row.versions[0] === row.versions[1] ? String(row.versions[0]) : row.versions.join(' to '),
        row.request === undefined ? 'only announced' : { status: 'STATUS', name: 'NAME', fields: 'EXTENDED_REPLY' }[row.answer.as],
        row.changes ? 'yes' : '',
      ]),
    ),
    '## Limits',
    table(
      ['Limit', 'Default'],
      Object.entries(defaultLimits).map(([name, value]) => [code(`limits.${name}`), value.toLocaleString('en')]),
    ),
    '## Requests that can be allowed or denied',
    `${sftpRequestNames().map(code).join(', ')}.`,
    '## Packets',
    table(
      ['Number', 'Packet'],
      Object.entries(packetTypes).map(([name, number]) => [String(number), code(name)]),
    ),
    '## Status by version',
    'What an older version cannot say becomes the nearest it can; the message tells the rest.',
    table(
      ['Status', ...sftpVersionNumbers.map(String)],
      (Object.keys(sftpStatuses) as SftpStatus[]).map(status => [
        code(status),
        ...sftpVersionNumbers.map(version => String(codeOfStatus(status, version))),
      ]),
    ),
  )

// ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const pages: Readonly<Record<string, () => string>> = {
  'docs/reference/algorithms.md': algorithmsPage,
  'docs/reference/violations.md': violationsPage,
  'docs/reference/messages.md': messagesPage,
  'docs/reference/keywords.md': keywordsPage,
  'docs/reference/sftp.md': sftpPage,
}

const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const onlyCheck = process.argv.includes('--check')
for (const [name, make] of Object.entries(pages)) {
  const path = join(root, name)
  const text = make()
  if (readIfThere(path) === text) continue
  if (onlyCheck) {
    console.error(`${relative(root, path)} is not what the tables say; run \`npm run docs\` and commit it`)
    process.exitCode = 1
    continue
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  console.log(`wrote ${name}`)
}
