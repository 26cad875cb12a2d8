// NextBlock (docs.nextblock.io): /api/v2/submit and submit-batch, which is a bundle by itself.
import { createLine, type LineOptions } from './line.ts';
import type { Relay } from './relay.ts';
import { content, handedOf } from './submit-api.ts';
import { NEXTBLOCK_TIP } from './tips.ts';

const BUNDLE_MAX = 4;

export function createNextblock(options: Omit<LineOptions, 'tokenHeader'>): Relay {
  const line = createLine({ ...options, tokenHeader: 'authorization' });
  return {
    name: 'nextblock',
    tip: NEXTBLOCK_TIP,
    bundleMax: BUNDLE_MAX,
    async hand([first = '', ...others]) {
      const submitted =
        others.length === 0
          ? line.post('/api/v2/submit', { ...content(first), skipPreFlight: true, frontRunningProtection: false })
          : line.post('/api/v2/submit-batch', { entries: [first, ...others].map(content) });
      return handedOf(await submitted, line);
    },
    close: line.close,
  };
}
