// Owns what a configuration says about who may begin to log in, and what the log says of those who may not. Knows nothing of
// how they are counted.
import { ConfigError } from 'nacre'
import type { ServerConfig } from 'nacre/config'
import type { RemoteAddress, StartupRules, TurnedAway } from 'nacre/server'
import { plainAddress } from './addresses.ts'
import type { Log } from './log.ts'

type StartupConfig = Pick<
  ServerConfig,
  'maxStartups' | 'perSourceMaxStartups' | 'perSourceNetBlockSize' | 'perSourcePenalties' | 'perSourcePenaltyExemptList'
>

/** The penalties; a crash of its process, which OpenSSH punishes too, is nothing that one client can cause here. */
const penaltiesOf = ({ perSourcePenalties: given, perSourcePenaltyExemptList: exempt }: StartupConfig): Pick<StartupRules, 'penalties'> =>
  given === 'no'
    ? {}
    : {
        penalties: {
          failed: given.authfail * 1000,
          noAttempt: given.noauth * 1000,
          tooLate: given['grace-exceeded'] * 1000,
          minimum: given.min * 1000,
          maximum: given.max * 1000,
          sources4: given['max-sources4'],
          sources6: given['max-sources6'],
          overflow4: given.overflow,
          overflow6: given.overflow6,
          exempt: exempt.filter(each => each.toLowerCase() !== 'none'),
        },
      }

/** Throws `ConfigError` for what is no address. */
export const startupRules = (config: StartupConfig): StartupRules => {
  const { perSourceMaxStartups } = config
  const bad = config.perSourcePenaltyExemptList.find(each => each.toLowerCase() !== 'none' && !/^[0-9a-f:.]+(\/\d{1,3})?$/i.test(each))
  if (bad !== undefined) throw new ConfigError(`PerSourcePenaltyExemptList takes addresses and blocks such as 10.0.0.0/8, not "${bad}".`)
  return {
    maximum: config.maxStartups,
    ...(perSourceMaxStartups === 'none' ? {} : { perSource: perSourceMaxStartups }),
    sourceBits: config.perSourceNetBlockSize,
    ...penaltiesOf(config),
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
  log.info(`drop connection #${count} from ${from} on ${on} ${reasons[why]}`)
}
