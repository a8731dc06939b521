// Owns whether a host and port are among those that `permitopen` and the like name. Knows nothing of where such lists stand.
import type { PermittedPlace } from './key-options.ts'

/**
 * True when one of the places names this host and port, or when there is no list. A name is compared as it is written, as sshd
 * does: nothing is looked up, and capital letters are others.
 */
export const isPermittedPlace = (places: readonly PermittedPlace[] | undefined, host: string, port: number): boolean =>
  places === undefined || places.some(place => (place.port === '*' || place.port === port) && (place.host === '*' || place.host === host))
