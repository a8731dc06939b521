// Owns reading sshd_config, ssh_config and `-o` options by the tables of keywords: text in, values out. Knows nothing of
// files (callers read them, also for Include) and nothing of what the values do.
import { ConfigError, escapeForPeople } from '../errors.ts'
import { clientKeywords, type ClientConfig, type KeywordTable, serverKeywords, type ServerConfig, type Values } from './keywords.ts'
import { BadValue } from './kinds.ts'
import { type Line, readLine } from './line.ts'
import { matchesPatternList } from '../patterns.ts'
import { clientRenamed, clientUnsupported, deprecated, serverRenamed, serverUnsupported, type UnsupportedKeyword } from './unsupported.ts'

/** A text to read. Earlier sources win over later ones, so options of the command line come first. */
export interface ConfigSource {
  /** Shown in errors and warnings: the path of the file, or `command line`. */
  readonly path: string
  readonly text: string
  /** True for one `-o` option: one line without a number, in which nothing may be left without effect. */
  readonly isOption?: boolean
}

/** Finds the texts an Include names; `pattern` is as written, tokens, `~` and wildcards included. */
export type ReadInclude = (pattern: string, from: ConfigSource) => readonly ConfigSource[]

export interface ParsedConfig<Config> {
  readonly config: Config
  /** The properties that a source set; the others hold their defaults. */
  readonly given: ReadonlySet<keyof Config>
  /** Sentences for people, each with file and line. */
  readonly warnings: readonly string[]
}

interface Dialect {
  readonly table: KeywordTable
  readonly renamed: Readonly<Record<string, string>>
  readonly unsupported: readonly UnsupportedKeyword[]
  /** The host that `Host` blocks are compared with; `undefined` where there are no such blocks. */
  readonly host: string | undefined
  readonly include: ReadInclude | undefined
}

interface Place {
  readonly path: string
  readonly line?: number
}

const includeDepth = 16

/** Letters to change, add or drop to get from one word to another (Levenshtein). */
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1))
    row = next
  }
  return row[to.length]
}

/** The name closest to what was written, when one is close enough to be meant. */
const nearest = (written: string, names: readonly string[]): string | undefined => {
  let best: string | undefined
  let least = Math.min(4, Math.ceil(written.length / 3) + 1)
  for (const name of names) {
    const away = distance(written.toLowerCase(), name.toLowerCase())
    if (away < least) {
      best = name
      least = away
    }
  }
  return best
}

class Parse {
  readonly #dialect: Dialect
  readonly #names = new Map<string, string>()
  readonly #values = new Map<string, unknown>()
  readonly #warnings: string[] = []
  #ignoreUnknown: readonly string[] = []

  constructor(dialect: Dialect) {
    this.#dialect = dialect
    for (const [property, row] of Object.entries(dialect.table)) this.#names.set(row.name.toLowerCase(), property)
  }

  result(): ParsedConfig<Readonly<Record<string, unknown>>> {
    const config: Record<string, unknown> = {}
    for (const [property, row] of Object.entries(this.#dialect.table))
      config[property] = this.#values.has(property) ? this.#values.get(property) : row.fallback
    return { config, given: new Set(this.#values.keys()), warnings: this.#warnings }
  }

  source(source: ConfigSource, active: boolean, depth: number): void {
    let blockActive = active
    const lines = source.isOption === true ? [source.text] : source.text.replace(/^\ufeff/, '').split(/\r?\n/)
    for (const [index, text] of lines.entries()) {
      const place: Place = source.isOption === true ? { path: source.path } : { path: source.path, line: index + 1 }
      let keyword = 'The line'
      try {
        const line = readLine(text)
        if (line === undefined) continue
        keyword = line.keyword
        const lower = keyword.toLowerCase()
        if (lower === 'match') blockActive = active && this.#matchAll(line)
        else if (lower === 'host' && this.#dialect.host !== undefined)
          blockActive = active && matchesPatternList(this.#needed(line), this.#dialect.host)
        else if (lower === 'include') this.#include(line, source, blockActive, depth)
        else this.#keyword(line, place, source, blockActive)
      } catch (error) {
        if (!(error instanceof BadValue)) throw error
        throw new ConfigError(`${escapeForPeople(`${keyword} ${error.message}`)}.`, place, { cause: error })
      }
    }
  }

  #needed(line: Line): readonly string[] {
    if (line.words.length === 0) throw new BadValue('needs a value')
    return line.words
  }

  #matchAll(line: Line): boolean {
    if (line.words.length === 1 && line.words[0].toLowerCase() === 'all') return true
    throw new BadValue('blocks are not supported by this version; only “Match all” is')
  }

  #include(line: Line, source: ConfigSource, active: boolean, depth: number): void {
    const read = this.#dialect.include
    if (read === undefined) throw new BadValue('is not supported here: there is no folder that files could come from')
    if (depth >= includeDepth) throw new BadValue(`is nested more than ${includeDepth} deep`)
    for (const pattern of this.#needed(line)) for (const found of read(pattern, source)) this.source(found, active, depth + 1)
  }

  #keyword(line: Line, place: Place, source: ConfigSource, active: boolean): void {
    const { table, renamed, unsupported } = this.#dialect
    const lower = line.keyword.toLowerCase()
    const newName = Object.hasOwn(renamed, lower) ? renamed[lower] : undefined
    const property = this.#names.get((newName ?? line.keyword).toLowerCase())
    if (property !== undefined) {
      if (!active) return
      if (newName !== undefined) this.#warn(`${line.keyword} is an old name; write ${newName}`, place)
      const row = table[property]
      const value = row.kind.read(line)
      if (!this.#values.has(property)) this.#values.set(property, value)
      else if (row.accumulates)
        this.#values.set(property, [...(this.#values.get(property) as readonly unknown[]), ...(value as readonly unknown[])])
      return
    }
    if (deprecated.has(lower)) {
      if (active) this.#warn(`${line.keyword} has had no meaning for years; remove it`, place)
      return
    }
    if (lower === 'ignoreunknown') {
      if (active && this.#ignoreUnknown.length === 0)
        this.#ignoreUnknown = this.#needed(line).flatMap(each => each.toLowerCase().split(','))
      return
    }
    const known = unsupported.find(row => row.name.toLowerCase() === lower)
    if (known !== undefined) {
      if (active) this.#unsupported(known, line, place, source.isOption === true)
      return
    }
    if (matchesPatternList(this.#ignoreUnknown, lower)) return
    const names = [...Object.values(table).map(row => row.name), ...unsupported.map(row => row.name)]
    const close = nearest(line.keyword, names)
    throw new ConfigError(
      `${escapeForPeople(line.keyword)} is not a keyword nacre knows.${close === undefined ? '' : ` Did you mean ${close}?`}`,
      place,
    )
  }

  #unsupported(row: UnsupportedKeyword, line: Line, place: Place, isOption: boolean): void {
    const [first] = this.#needed(line)
    if (row.off.includes(first.toLowerCase())) return
    const allowed = row.off.length === 0 ? '' : ` Only “${row.name} ${row.off[0]}” is taken.`
    if (row.otherwise === 'refuse' || (isOption && row.otherwise === 'warn'))
      throw new ConfigError(`${row.name} is not supported by this version.${allowed}`, place)
    if (row.otherwise === 'warn') this.#warn(`${row.name} is not supported by this version and has no effect`, place)
  }

  #warn(message: string, place: Place): void {
    this.#warnings.push(`${place.path}${place.line === undefined ? '' : ` line ${place.line}`}: ${message}.`)
  }
}

const parse = <Config>(sources: readonly ConfigSource[], dialect: Dialect): ParsedConfig<Config> => {
  const parsing = new Parse(dialect)
  for (const source of sources) parsing.source(source, true, 0)
  return parsing.result() as ParsedConfig<Config>
}

/**
 * Reads what `sshd` is told: `-o` options, then the file. Throws `ConfigError` with file and line for an unknown keyword
 * (and names the nearest), a bad value, or a restriction this version cannot honour.
 */
export const parseServerConfig = (
  sources: readonly ConfigSource[],
  options: { readonly include?: ReadInclude } = {},
): ParsedConfig<ServerConfig> =>
  parse(sources, {
    table: serverKeywords,
    renamed: serverRenamed,
    unsupported: serverUnsupported,
    host: undefined,
    include: options.include,
  })

/**
 * Reads what `ssh` is told about `host` (as typed, before HostName): `-o` options, then the person's file, then the
 * system's. Blocks for other hosts are skipped. Throws `ConfigError` as `parseServerConfig` does.
 */
export const parseClientConfig = (
  sources: readonly ConfigSource[],
  options: { readonly host: string; readonly include?: ReadInclude },
): ParsedConfig<ClientConfig> =>
  parse(sources, {
    table: clientKeywords,
    renamed: clientRenamed,
    unsupported: clientUnsupported,
    host: options.host,
    include: options.include,
  })

const dump = (table: KeywordTable, config: Readonly<Record<string, unknown>>): string => {
  const lines = Object.entries(table).flatMap(([property, row]) =>
    config[property] === undefined ? [] : row.kind.show(config[property]).map(value => `${row.name.toLowerCase()} ${value}`),
  )
  return lines.map(line => `${line}\n`).join('')
}

/** What `sshd -T` prints: a lower-case keyword and value a line, which read back give the same values. */
export const dumpServerConfig = (config: Values<typeof serverKeywords>): string => dump(serverKeywords, config)
/** What `ssh -G` prints, in the same form. */
export const dumpClientConfig = (config: Values<typeof clientKeywords>): string => dump(clientKeywords, config)
