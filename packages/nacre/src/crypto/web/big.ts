// Owns modular exponentiation with BigInt. Knows nothing of groups and keys. The time it takes depends on the numbers, so
// it is for exponents that are public or are used once (decision 0012).

/** How many bits of the exponent are taken at a time. */
const digitBits = 4

/** base^exponent mod modulus; base below the modulus, exponent not negative. */
export const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  const digits = exponent.toString(1 << digitBits)
  const powers = [1n, base]
  for (let i = 2; i < 1 << digitBits; i++) powers.push((powers[i - 1] * base) % modulus)
  let result = 1n
  for (const digit of digits) {
    for (let i = 0; i < digitBits; i++) result = (result * result) % modulus
    result = (result * powers[Number.parseInt(digit, 1 << digitBits)]) % modulus
  }
  return result
}
