// The public face of configuration: the tables, what reads them, and what writes values back.
export { clientKeywords, serverKeywords } from './keywords.ts'
export type { ClientConfig, Keyword, KeywordTable, ServerConfig, Values } from './keywords.ts'
export type { Kind, ListenAddress, MaxStartups, NetBlockSize, RekeyLimit, SourcePenalties, SubsystemRow } from './kinds.ts'
export { dumpClientConfig, dumpServerConfig, parseClientConfig, parseServerConfig } from './parse.ts'
export type { ConfigSource, ParsedConfig, ReadInclude } from './parse.ts'
export { matchesPatternList, matchesWildcard } from '../patterns.ts'
