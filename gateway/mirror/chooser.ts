// Chooses a share of a sequence: evenly, and in step with nothing.

/** The fractional part of the golden ratio: its multiples are the most evenly spread of all (Weyl, Knuth 6.4). */
const STEP = (Math.sqrt(5) - 1) / 2;

/** Whether the next of a sequence is chosen. */
export type Chooser = (share: number) => boolean;

/**
 * Chooses so that of any stretch of the sequence nearly the share asked for is chosen (0 to 1, it may change), without a
 * period that a client's own pattern could fall in with, as every tenth request would have. The same every time.
 */
export function createChooser(): Chooser {
  let at = 0;
  return (share) => {
    at = (at + STEP) % 1;
    return at >= 1 - share;
  };
}
