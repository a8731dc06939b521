// Owns what a configuration says about who may begin to log in, and what the log says of those who may not. Knows nothing of
// how they are counted.
import { ConfigError } from 'nacre'
import { compareAddress, type ServerConfig } from 'nacre/config'
import type { RemoteAddress, StartupRules, TurnedAway } from 'nacre/server'
import { plainAddress } from './addresses.ts'
import { connectionFacts } from './connection-log.ts'
import type { Log } from './log.ts'

type StartupConfig = Pick<
  ServerConfig,
  'maxStartups' | 'perSourceMaxStartups' | 'perSourceNetBlockSize' | 'perSourcePenalties' | 'perSourcePenaltyExemptList'
>

/** The penalties; a crash of its process, which OpenSSH punishes too, is nothing that one client can cause here. */
const penaltyRules = (config: StartupConfig): Pick<StartupRules, 'penalties'> => {
  const { perSourcePenalties: given, perSourcePenaltyExemptList: exempt } = config
  if (given === 'no') return {}
  return {
    penalties: {
      failed: given.authfail * 1000,
      invalidUser: given.invaliduser * 1000,
      noAttempt: given.noauth * 1000,
      tooLate: given['grace-exceeded'] * 1000,
      refused: given.refuseconnection * 1000,
      minimum: given.min * 1000,
      maximum: given.max * 1000,
      sources4: given['max-sources4'],
      sources6: given['max-sources6'],
      overflow4: given.overflow,
      overflow6: given.overflow6,
      exempt: exempt.toLowerCase() === 'none' ? [] : address => compareAddress(plainAddress(address), exempt) === 'matched',
    },
  }
}

/** Throws `ConfigError` for an exempt name, which would exempt nobody. */
export const startupRules = (config: StartupConfig): StartupRules => {
  const { perSourceMaxStartups } = config
  const exempt = config.perSourcePenaltyExemptList.split(',').filter(each => each.toLowerCase() !== 'none')
  const bad = exempt.find(each => !/^!?[0-9a-f:.*?]+(\/\d{1,3})?$/i.test(each))
  if (bad !== undefined) throw new ConfigError(`PerSourcePenaltyExemptList takes addresses and blocks such as 10.0.0.0/8, not "${bad}".`)
  return {
    maximum: config.maxStartups,
    ...(perSourceMaxStartups === 'none' ? {} : { perSource: perSourceMaxStartups }),
    sourceBits: config.perSourceNetBlockSize,
    ...penaltyRules(config),
  }
}

const reasons: Readonly<Record<TurnedAway | 'connections', string>> = {
  startups: 'past MaxStartups',
  source: 'past PerSourceMaxStartups',
  penalty: 'in a penalty',
  connections: 'past the number of connections',
}

/** In OpenSSH's words. */
export const logTurnedAway = (
  log: Log,
  why: TurnedAway | 'connections',
  { count, remote }: { readonly count: number; readonly remote: RemoteAddress | undefined },
): void => {
  const from = `[${plainAddress(remote?.address ?? 'UNKNOWN')}]:${remote?.port ?? 65_535}`
  const on = `[${plainAddress(remote?.localAddress ?? 'UNKNOWN')}]:${remote?.localPort ?? 65_535}`
  log.info(`drop connection #${count} from ${from} on ${on} ${reasons[why]}`, { event: 'dropped', why, ...connectionFacts(remote) })
}
