// Owns the types of what we use of the `bcrypt-pbkdf` package, which brings none.
declare module 'bcrypt-pbkdf' {
  const bcrypt: {
    /** bcrypt's hash of 32 bytes into `out`; `password` and `salt` have 64 bytes. A few milliseconds. */
    hash(password: Uint8Array, salt: Uint8Array, out: Uint8Array): void
  }
  export default bcrypt
}
