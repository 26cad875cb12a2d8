// The shipped configuration with plans in fast motion: the same stages and gates as in earnest, in seconds instead of days.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

/** Routes that go by plans, and what each waits for. */
const PLANNED: Readonly<Record<string, { readonly plan: string; readonly requires?: readonly string[] }>> = {
  'market.ticker': { plan: 'reads' },
  'trade.order.get': { plan: 'reads', requires: ['orders', 'positions'] },
  'trade.orders.list': { plan: 'reads', requires: ['orders', 'positions'] },
  'positions.list': { plan: 'reads', requires: ['orders', 'positions'] },
  'trade.order.create': { plan: 'writes', requires: ['orders', 'positions'] },
};

/** The new side's table is a stand-in in JavaScript and the slower one: how fast it is, is not what is rehearsed. */
const LATENCY_RATIO_MAX = 100;

const gates = {
  parity: { lowerBoundMin: 0.9, samplesMin: 40 },
  coverage: { min: 0.5, samplesMin: 40 },
  errors: { increaseMax: 0.1, samplesMin: 20 },
};
const CANARY = ['parity', 'errors'];
const PLANS = {
  reads: {
    gates,
    steps: [
      { stage: 'shadow', leastMs: 4000, gates: ['parity', 'coverage', 'data'] },
      { stage: 'canary', percent: 10, leastMs: 3000, gates: ['parity'] },
      { stage: 'canary', percent: 50, leastMs: 3000, gates: [...CANARY, 'data'] },
      { stage: 'live', leastMs: 3000, gates: ['parity', 'manual'] },
      { stage: 'complete', leastMs: 0 },
    ],
  },
  // In canary and live the copy of a write would go to legacy, which knows no dry runs: those are served, not compared.
  writes: {
    gates,
    steps: [
      { stage: 'shadow', leastMs: 4000, gates: ['parity', 'data'] },
      { stage: 'canary', percent: 50, leastMs: 4000, gates: ['errors'] },
      { stage: 'live', leastMs: 3000, gates: ['manual'] },
      { stage: 'complete', leastMs: 0 },
    ],
  },
};

/** Writes it beside the one that the sandbox wrote; answers its path. */
export function writeRehearsalConfig(sandboxConfig: string, folder: string, build: string): string {
  const document = parseDocument(readFileSync(sandboxConfig, 'utf8'));
  document.setIn(['upstreams', 'new', 'url'], `http://${build}`);
  document.setIn(['plans'], PLANS);
  document.setIn(['certificates'], join(folder, 'certificates'));
  document.setIn(['certificatesKeyEnv'], 'MIGRATION_SIGNING_KEY');
  const { routes }: { routes: readonly { readonly id: string }[] } = document.toJS();
  for (const [index, { id }] of routes.entries()) {
    document.setIn(['routes', index, 'guard', 'latencyRatioMax'], LATENCY_RATIO_MAX);
    for (const [name, value] of Object.entries(PLANNED[id] ?? {})) document.setIn(['routes', index, name], value);
  }
  const path = join(folder, 'rehearsal.yaml');
  writeFileSync(path, document.toString());
  return path;
}
