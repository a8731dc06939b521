// Owns what a ping of our own account holds, by which its answer is told from those an application asked for. Knows nothing
// of when one is sent.

export const signOfLife: Uint8Array = Uint8Array.from('sign of life', character => character.charCodeAt(0))

/** The answer to our own question, which is nobody else's business. */
export const isSignOfLife = (data: Uint8Array): boolean =>
  data.length === signOfLife.length && data.every((byte, at) => byte === signOfLife[at])
