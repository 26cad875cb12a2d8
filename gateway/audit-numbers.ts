// The numbers that a change was based on, as its audit entry keeps them.
import { ALL_ROUTES } from './ledger/ledger.ts';
import type { Serving } from './serving.ts';
import type { KeptWrites } from './writes/kept-writes.ts';

/** Of a route's writes the keys of so many are enough: the others are where they are counted. */
const KEYS_MAX = 10;

interface NumbersDeps {
  readonly serving: Pick<Serving, 'evidence' | 'traffic'>;
  readonly writes: Pick<KeptWrites, 'of' | 'total'>;
  readonly routes: () => readonly string[];
}

/** Answers the numbers of a scope: of a route, or of all routes what a rollback would lose. What is no route has none. */
export function createAuditNumbers({ serving, writes, routes }: NumbersDeps): (scope: string) => unknown {
  return (scope) => {
    if (scope === ALL_ROUTES) return { writesLegacyLacks: writes.total(routes()) };
    return scope.startsWith('#') ? null : numbersOf(serving, writes, scope);
  };
}

/** What is known of a route, as an audit entry keeps it: the numbers, with the most frequent differences only. */
function numbersOf({ evidence, traffic }: NumbersDeps['serving'], writes: NumbersDeps['writes'], route: string) {
  const brief = <E extends { readonly differences: readonly unknown[] }>(found: E) => ({
    ...found,
    differences: found.differences.slice(0, 10),
  });
  const lacked = writes.of(route);
  const { streams, ...comparison } = evidence.of(route);
  return {
    comparison: { ...brief(comparison), ...(streams ? { streams: { ...brief(streams), samples: [] } } : {}) },
    traffic: traffic.of(route),
    writesLegacyLacks: { ...lacked, keys: lacked.keys.slice(-KEYS_MAX) },
  };
}
