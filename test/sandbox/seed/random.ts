/** A stream of numbers that is the same for the same seed, on every machine. */
export interface Random {
  /** An integer from `least` to `most`, both included. */
  int(least: number, most: number): number;
  /** True `share` (0..1) of the time. */
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** `digits` lower-case hex digits. */
  hex(digits: number): string;
}

/** mulberry32: 32 bits of state, good enough for test data, and a few nanoseconds a number. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    int,
    chance: (share) => next() < share,
    pick(from) {
      const picked = from[int(0, from.length - 1)];
      if (picked === undefined) throw new RangeError('nothing to pick from');
      return picked;
    },
    hex(digits) {
      let text = '';
      while (text.length < digits) text += int(0, 0xffff).toString(16).padStart(4, '0');
      return text.slice(0, digits);
    },
  };
}
