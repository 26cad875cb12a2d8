// Chance that is the same for the same seed.

export interface Random {
  /** Uniform, from 0 up to 1. */
  uniform(): number;
  /** How many of `trials` events of this probability happen. */
  binomial(trials: number, probability: number): number;
  poisson(mean: number): number;
  normal(): number;
}

/** Mulberry32: 32 bits of state, good enough for draws that nobody guesses at. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    /** By the gaps between successes, so that rare events cost little. */
    binomial(trials, probability) {
      if (probability <= 0 || trials <= 0) return 0;
      if (probability >= 1) return trials;
      const perGap = Math.log(1 - probability);
      let [successes, at] = [0, 0];
      for (;;) {
        at += Math.floor(Math.log(1 - uniform()) / perGap) + 1;
        if (at > trials) return successes;
        successes++;
      }
    },
    /** Knuth's method, in parts that keep the product from vanishing. */
    poisson(mean) {
      let total = 0;
      for (let left = mean; left > 0; left -= 30) {
        const limit = Math.exp(-Math.min(30, left));
        for (let product = uniform(); product > limit; product *= uniform()) total++;
      }
      return total;
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
