// Owns what pings of our own account hold, by which their answers are told from those an application asked for. Knows nothing
// of when one is sent.

export const signOfLife: Uint8Array = Uint8Array.from('sign of life', character => character.charCodeAt(0))

/** The answer to our own question, which is nobody else's business. */
export const isSignOfLife = (data: Uint8Array): boolean =>
  data.length === signOfLife.length && data.every((byte, at) => byte === signOfLife[at])

/** As long as one typed character: with the length of the string, what a channel's number and a string of one byte take. */
export const chaff: Uint8Array = Uint8Array.from('chaff', character => character.charCodeAt(0))

/** The answer to a packet that only hides when somebody types. */
export const isChaff = (data: Uint8Array): boolean => data.length === chaff.length && data.every((byte, at) => byte === chaff[at])
