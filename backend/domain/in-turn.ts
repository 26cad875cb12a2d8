// Work that must not be in its own way: under one key one after the other, under different keys at once.

export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/**
 * Answers as `work` does, once all that was asked for under the key before has ended, however it did. Holds what its callers wait
 * for and no more: whoever bounds those bounds this.
 */
export function createInTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async function inTurn(key, work) {
    const before = last.get(key);
    const mine = before === undefined ? work() : before.then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
