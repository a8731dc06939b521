// Owns reading ssh_config and `-o` options by the table of keywords: text in, values out. Knows nothing of
// files (callers read them, also for Include) and nothing of what the values do.
import { clientDialect, type ClientConfig } from './client-keywords.ts'
import { type ConfigSource, parseDocument } from './document.ts'
import { type Dialect, effects, oneError, resolveConfig, withDefaults } from './resolve.ts'

/** Finds the texts an Include names; `pattern` is as written, tokens, `~` and wildcards included. */
export type ReadInclude = (pattern: string, from: ConfigSource) => readonly ConfigSource[]

export interface ParsedConfig<Config> {
  readonly config: Config
  /** The properties that a source set; the others hold their defaults. */
  readonly given: ReadonlySet<keyof Config>
  /** Sentences for people, each with file and line. */
  readonly warnings: readonly string[]
}

const parse = <Config>(
  sources: readonly ConfigSource[],
  dialect: Dialect,
  include: ReadInclude | undefined,
  host: string | undefined,
): ParsedConfig<Config> => {
  const resolved = resolveConfig(
    sources.map(parseDocument),
    dialect,
    {
      decide: () => false,
      ...(include === undefined ? {} : { include: ({ pattern, source }) => include(pattern, source).map(parseDocument) }),
    },
    host === undefined ? {} : { host },
  )
  const { refused, warnings } = effects(resolved)
  const error = oneError([...resolved.problems, ...refused])
  if (error !== undefined) throw error
  return {
    config: withDefaults<Config>(dialect.table, resolved.values),
    given: new Set(resolved.values.keys()) as ReadonlySet<string> as ReadonlySet<keyof Config>,
    warnings: [...resolved.warnings, ...warnings],
  }
}

/**
 * Reads what `ssh` is told about `host` (as typed, before HostName): `-o` options, then the person's file, then the
 * system's. Blocks for other hosts are skipped. Throws `ConfigError` as `parseServerConfig` does.
 */
export const parseClientConfig = (
  sources: readonly ConfigSource[],
  options: { readonly host: string; readonly include?: ReadInclude },
): ParsedConfig<ClientConfig> => parse(sources, clientDialect, options.include, options.host)
