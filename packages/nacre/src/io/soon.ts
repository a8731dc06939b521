// Owns going on with a value that may be there already. Most questions of a login are answered at once, and each promise in
// between would cost them a turn of the queue and the network a packet. And the contrary: letting others have their turn where what
// is waited for is always there. Knows nothing of logins.

const isLater = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

const whenResolved = async <T, R>(value: PromiseLike<T>, next: (value: T) => R | Promise<R>): Promise<R> => await next(await value)

/** `next(value)`, at once when the value is there. What `next` throws becomes a rejection only when it was not. */
export const whenThere = <T, R>(value: T | PromiseLike<T>, next: (value: T) => R | Promise<R>): R | Promise<R> =>
  isLater(value) ? whenResolved(value, next) : next(value)

/**
 * Everybody else has a turn. Whoever loops over what may be there at once each time, as files are, must call it now and then: else
 * nothing else would ever happen.
 */
export const nextTurn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0))
