// Digests of sets: the order of adding does not matter, so that a table in one order and items in another can be compared.
import { hash } from 'node:crypto';

const MODULUS_MASK = (1n << 128n) - 1n;

/** How many, and the sum of their hashes modulo 2^128. */
export class Digest {
  count = 0;
  #sum = 0n;

  add(text: string): void {
    this.count += 1;
    this.#sum = (this.#sum + BigInt(`0x${hash('sha256', text, 'hex').slice(0, 32)}`)) & MODULUS_MASK;
  }
  addAll(other: Digest): void {
    this.count += other.count;
    this.#sum = (this.#sum + other.#sum) & MODULUS_MASK;
  }
  equals(other: Digest): boolean {
    return this.count === other.count && this.#sum === other.#sum;
  }
  toString(): string {
    return `${this.count}:${this.#sum.toString(16).padStart(32, '0')}`;
  }
}
