// Owns what sshd_config says: for everybody, for one connection and its user (`Match`), what decided each value, and the text
// `sshd -T` prints of it. Knows nothing of files, and nothing of what the values do.
import type { ConfigError } from '../errors.ts'
import { type ConfigDocument, type ConfigSource, faultAt, parseDocument, showPlace, type Statement } from './document.ts'
import { BadValue } from './kinds.ts'
import { readCriteria } from './match.ts'
import type { ParsedConfig, ReadInclude } from './parse.ts'
import { type Answers, type Decide, effects, oneError, type Resolved, resolveConfig, rowNamed, withDefaults } from './resolve.ts'
import { serverDialect, serverKeywords, type ServerConfig } from './server-keywords.ts'
import type { ListenAddress } from './server-kinds.ts'
import { type ConnectionFacts, decideByConnection, decideWithoutConnection, serverCriteria } from './server-match.ts'
import { type Keyword, noEffect, refusedEffect } from './table.ts'

/** A configuration as it holds for everybody, or for one connection. */
export interface ParsedServerConfig extends ParsedConfig<ServerConfig> {
  /** Where the value of a property comes from: `path line 3`, several with “and” between; `the default`. */
  decidedBy(property: keyof ServerConfig): string
  /** Where the `Match` lines stand whose blocks say something of this connection: `path line 3`. */
  readonly matched: readonly string[]
  /** The criteria that `Match` lines have, whoever they are for: what need not be known of a connection need not be found out. */
  readonly criteria: ReadonlySet<string>
  /**
   * What holds for a connection: what stands in the `Match` blocks that fit it replaces what stands outside. Reads no file.
   * Throws `ConfigError` for values that only count for this connection and cannot be acted on.
   */
  forConnection(facts: ConnectionFacts): ParsedServerConfig
}

const table: Readonly<Record<string, Keyword<unknown, unknown>>> = serverDialect.table

/** Documents an Include names are found once: a connection is no time to read files. */
interface Includes extends Pick<Answers<Decide>, 'include'> {
  /** Those found until now. */
  found(): readonly ConfigDocument[]
}

const includeOnce = (read: ReadInclude | undefined): Includes => {
  const known = new Map<string, readonly ConfigDocument[]>()
  const found = (): readonly ConfigDocument[] => [...known.values()].flat()
  if (read === undefined) return { found }
  return {
    found,
    include: ({ pattern, source }) => {
      const key = `${source.path}\0${pattern}`
      const found = known.get(key) ?? read(pattern, source).map(parseDocument)
      known.set(key, found)
      return found
    },
  }
}

/** What stands in blocks and has no effect: said beforehand, since nobody sees it when somebody comes. */
const inBlocks = (documents: readonly ConfigDocument[]): readonly string[] =>
  documents
    .flatMap(each => each.statements)
    .filter(({ block }) => block !== undefined)
    .flatMap(statement => {
      const row = rowNamed(table, statement.name)
      if (row?.notInEffect === undefined || row.notInEffect.otherwise === 'ignore') return []
      try {
        if (row.notInEffect.asksNothing(row.kind.read(statement))) return []
      } catch (error) {
        if (error instanceof BadValue) return []
        throw error
      }
      const { otherwise, because } = row.notInEffect
      const said =
        otherwise === 'refuse' ? `${refusedEffect(row.name, because)}; whoever the block is for cannot log in` : noEffect(row.name, because)
      return [`${showPlace(statement)}: ${said}.`]
    })

/** Arguments of criteria that are none: found now, not when somebody comes whom the rest of the line fits. */
const faultsOfCriteria = (documents: readonly ConfigDocument[]): readonly ConfigError[] =>
  documents
    .flatMap(each => each.statements)
    .filter(({ name }) => name === 'match')
    .flatMap(statement => {
      try {
        for (const { name, argument } of readCriteria(statement.words, serverCriteria))
          if (name !== 'all') decideWithoutConnection({ criterion: name, argument })
        return []
      } catch (error) {
        if (error instanceof BadValue) return [faultAt(statement, statement.keyword, error)]
        throw error
      }
    })

/** A resolution of everybody's, with that of a connection's blocks over it. */
class Parsed implements ParsedServerConfig {
  readonly config: ServerConfig
  readonly given: ReadonlySet<keyof ServerConfig>
  readonly warnings: readonly string[]
  readonly criteria: ReadonlySet<string>
  readonly matched: readonly string[]
  readonly #documents: readonly ConfigDocument[]
  readonly #include: Includes
  readonly #everybody: Resolved
  readonly #decidedBy: ReadonlyMap<string, readonly Statement[]>

  constructor(
    documents: readonly ConfigDocument[],
    include: Includes,
    everybody: Resolved,
    blocks?: Resolved,
    said: readonly string[] = [],
  ) {
    const values = new Map(everybody.values)
    const decidedBy = new Map(everybody.decidedBy)
    for (const [property, value] of blocks?.values ?? []) {
      if (table[property].onlyGlobal === true) continue
      values.set(property, value)
      decidedBy.set(property, blocks?.decidedBy.get(property) ?? [])
    }
    const own = effects(everybody)
    const matched = blocks === undefined ? undefined : effects(blocks)
    const problems = [...everybody.problems, ...own.refused, ...(blocks?.problems ?? []), ...(matched?.refused ?? [])]
    const error = oneError(problems)
    if (error !== undefined) throw error
    this.config = withDefaults<ServerConfig>(serverDialect.table, values)
    this.given = new Set(values.keys()) as ReadonlySet<string> as ReadonlySet<keyof ServerConfig>
    this.warnings = [
      ...new Set([...everybody.warnings, ...own.warnings, ...(blocks?.warnings ?? []), ...(matched?.warnings ?? []), ...said]),
    ]
    this.criteria = everybody.criteria
    const lines = new Set([...(blocks?.decidedBy.values() ?? [])].flat().flatMap(({ block }) => block ?? []))
    this.matched = [...lines].map(showPlace)
    this.#documents = documents
    this.#include = include
    this.#everybody = everybody
    this.#decidedBy = decidedBy
  }

  decidedBy(property: keyof ServerConfig): string {
    const by = this.#decidedBy.get(property) ?? []
    return by.length === 0 ? 'the default' : by.map(showPlace).join(' and ')
  }

  forConnection(facts: ConnectionFacts): ParsedServerConfig {
    if (
      this.criteria.size === 0 &&
      !this.#documents.some(each => each.statements.some(({ name }) => name === 'match' || name === 'include'))
    )
      return this
    const blocks = resolveConfig(
      this.#documents,
      serverDialect,
      { decide: decideByConnection(facts), ...(this.#include.include && { include: this.#include.include }) },
      { count: 'blocks' },
    )
    return new Parsed(this.#documents, this.#include, this.#everybody, blocks)
  }
}

/**
 * Reads what `sshd` is told: `-o` options, then the file. What holds for everybody comes back; see `forConnection`. Throws
 * `ConfigError` with file and line for an unknown keyword (and names the nearest), a bad value, or a restriction this version
 * cannot honour.
 */
export const parseServerConfig = (
  sources: readonly ConfigSource[],
  options: { readonly include?: ReadInclude } = {},
): ParsedServerConfig => {
  const documents = sources.map(parseDocument)
  const include = includeOnce(options.include)
  const everybody = resolveConfig(documents, serverDialect, {
    decide: decideWithoutConnection,
    ...(include.include && { include: include.include }),
  })
  const wrong = everybody.problems.length === 0 ? oneError(faultsOfCriteria([...documents, ...include.found()])) : undefined
  if (wrong !== undefined) throw wrong
  return new Parsed(documents, include, everybody, undefined, inBlocks([...documents, ...include.found()]))
}

/** What a dump needs to know of the machine it is made on, and of algorithms. All may be left out: then values stand as written. */
export interface DumpOptions {
  /** The whole path for one that is relative or begins with `~`. */
  readonly wholePath?: (path: string) => string
  /** The names an algorithm keyword comes to; `undefined` leaves it as written. */
  readonly names?: (property: keyof ServerConfig) => readonly string[] | undefined
  /** Every address with every port, also where none is named. */
  readonly everyListenAddress?: boolean
  /** Host keys where none is named. */
  readonly usualHostKeys?: readonly string[]
}

const paths: ReadonlySet<string> = new Set<keyof ServerConfig>([
  'hostKey',
  'hostCertificate',
  'hostKeyAgent',
  'pidFile',
  'moduliFile',
  'xauthLocation',
  'banner',
  'trustedUserCaKeys',
  'securityKeyProvider',
  'sshdSessionPath',
  'sshdAuthPath',
])
/** Of these only a `~` in front is replaced; relative ones belong to homes. */
const homePaths: ReadonlySet<string> = new Set<keyof ServerConfig>(['authorizedKeysFile', 'authorizedPrincipalsFile', 'revokedKeys'])
const notPaths: ReadonlySet<string> = new Set(['none', 'internal', 'SSH_AUTH_SOCK'])
/** Properties nobody but nacre knows: printed when they say something. */
const ownProperties: ReadonlySet<string> = new Set<keyof ServerConfig>([
  'workers',
  'internalScp',
  'authenticationCommand',
  'authenticationCommandUser',
  'logFormat',
])

/** Every address with every port it has none of its own for, in the order of the file. */
const listening = ({ listenAddress, port, addressFamily }: ServerConfig): readonly ListenAddress[] => {
  const everywhere = ['::', '0.0.0.0'].filter(each => addressFamily === 'any' || (addressFamily === 'inet6') === each.includes(':'))
  const hosts = listenAddress.length === 0 ? [{ host: '*', port: undefined }] : listenAddress
  return hosts.flatMap(({ host, port: own }) =>
    (own === undefined ? port : [own]).flatMap(each => (host === '*' ? everywhere : [host]).map(name => ({ host: name, port: each }))),
  )
}

const withWholePaths = (property: string, value: unknown, wholePath: (path: string) => string): unknown => {
  const whole = (path: string): string =>
    notPaths.has(path.toLowerCase()) || notPaths.has(path) || (homePaths.has(property) && !path.startsWith('~')) ? path : wholePath(path)
  if (!paths.has(property) && !homePaths.has(property)) return value
  return Array.isArray(value) ? value.map(each => whole(String(each))) : typeof value === 'string' ? whole(value) : value
}

/** As `sshd` spells it there. */
const spelling = (name: string): string => (name === 'MACs' ? 'Macs' : name)

/**
 * What `sshd -T` prints: a keyword and value a line, in OpenSSH's order. Read back it gives the same values; where OpenSSH's
 * own print would not (blanks in a path, several variables of SetEnv), it is quoted, or stands on one line.
 */
export const dumpServerConfig = (config: ServerConfig, options: DumpOptions = {}): string => {
  const { wholePath, names, usualHostKeys, everyListenAddress = false } = options
  const values: Readonly<Record<string, unknown>> = {
    ...config,
    listenAddress: everyListenAddress ? listening(config) : config.listenAddress,
    hostKey: config.hostKey.length === 0 ? (usualHostKeys ?? []) : config.hostKey,
  }
  const lines = Object.entries<Keyword<unknown, unknown>>(serverKeywords).flatMap(([property, row]) => {
    const chosen = names?.(property as keyof ServerConfig)
    if (chosen !== undefined) return [`${spelling(row.name)} ${chosen.join(',')}`]
    const value = wholePath === undefined ? values[property] : withWholePaths(property, values[property], wholePath)
    if (value === undefined || (ownProperties.has(property) && value === row.fallback)) return []
    return row.kind.show(value).map(text => `${spelling(row.name)} ${text}`)
  })
  return lines.map(line => `${line}\n`).join('')
}
