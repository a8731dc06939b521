// Owns the types of the `bcrypt-pbkdf` package, which brings none.
declare module 'bcrypt-pbkdf' {
  const bcrypt: {
    /** Fills `key`. Returns -1 when an input is empty or too long, else 0. */
    pbkdf(
      pass: Uint8Array,
      passLength: number,
      salt: Uint8Array,
      saltLength: number,
      key: Uint8Array,
      keyLength: number,
      rounds: number,
    ): number
  }
  export default bcrypt
}
