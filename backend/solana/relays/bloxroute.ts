// bloXroute's Solana Trader API (docs.bloxroute.com): /api/v2/submit and submit-batch.
import { createLine, type LineOptions } from './line.ts';
import type { Relay } from './relay.ts';
import { content, handedOf } from './submit-api.ts';
import { BLOXROUTE_TIP } from './tips.ts';

/** With useBundle; without it would be 25. */
const BUNDLE_MAX = 4;

export function createBloxroute(options: Omit<LineOptions, 'tokenHeader'>): Relay {
  const line = createLine({ ...options, tokenHeader: 'authorization' });
  return {
    name: 'bloxroute',
    tip: BLOXROUTE_TIP,
    bundleMax: BUNDLE_MAX,
    async hand([first = '', ...others]) {
      // The documents give both defaults for skipPreFlight, so it is always said.
      const submitted =
        others.length === 0
          ? line.post('/api/v2/submit', { ...content(first), skipPreFlight: true, useStakedRPCs: true })
          : line.post('/api/v2/submit-batch', {
              entries: [first, ...others].map((each) => ({ ...content(each), skipPreFlight: true })),
              useBundle: true,
              submitStrategy: 'P_SUBMIT_ALL',
            });
      return handedOf(await submitted, line);
    },
    close: line.close,
  };
}
