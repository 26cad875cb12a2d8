// How long to wait before trying again.

export type Backoff = { readonly firstMs: number; readonly mostMs: number };

/**
 * Doubles with each failure up to `mostMs`, and takes a random half to whole of it, so that those who failed together do not
 * come back together. `failures` counts from 1; `random` answers 0 to 1.
 */
export function backoffMs({ firstMs, mostMs }: Backoff, failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), mostMs);
  return Math.round(ceiling * (0.5 + random() / 2));
}
