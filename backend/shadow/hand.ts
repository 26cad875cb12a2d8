// The hand of dry runs: every relay takes everything, and nobody gets it.
import type { Hand } from '../solana/execution/hand.ts';

export const EMPTY_HAND: Hand = {
  relays: async () => [{ by: 'dry-run', result: 'taken', receipt: null, detail: null }],
  direct: async () => [{ by: 'dry-run', result: 'taken', receipt: null, detail: null }],
  statuses: () => undefined,
};
