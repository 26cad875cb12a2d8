// The rehearsal's own judgement: that it notices what it is there to notice. The rehearsal itself is `npm run rehearse`.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadGatewayConfig } from '../../config/load-gateway.ts';
import { writeGatewayConfig } from '../sandbox/start/gateway-config.ts';
import { writeRehearsalConfig } from './gateway-config.ts';
import { held, promisesOf, type Rehearsal, reportText, type Sums } from './report.ts';
import { STORY } from './story.ts';

const sums: Sums = {
  load: { by: 'k6 v2.2.0', requests: 100, failed: 0, lost: 0, ordersMade: 10, failures: [] },
  ordersAtExchange: 10,
  streams: { messages: 5, gaps: 0, returns: 4 },
  auditEntries: 40,
};
const steps = [{ phase: '1. In parallel', what: 'a step', tookMs: 1000, evidence: ['a.route: live'] }];
const rehearsal: Rehearsal = { at: '2026-01-05T10:00:00.000Z', tookMs: 1000, steps, sums };
const withSums = (change: Partial<Sums>): Rehearsal => ({ ...rehearsal, sums: { ...sums, ...change } });
const withLoad = (change: Partial<Sums['load']>): Rehearsal => withSums({ load: { ...sums.load, ...change } });

describe('a rehearsal', () => {
  it('holds when every step was done and every promise kept', () => {
    assert.equal(held(rehearsal), true);
    assert.match(reportText(rehearsal), /^# The rehearsal held$/m);
  });

  for (const [what, broken] of [
    ['one request failed', withLoad({ failed: 1 })],
    ['one request was lost', withLoad({ lost: 1 })],
    ['nobody asked anything', withLoad({ requests: 0 })],
    ['an order is missing at the exchange', withSums({ ordersAtExchange: 9 })],
    ['an order is at the exchange twice', withSums({ ordersAtExchange: 11 })],
    [
      'no order was made',
      { ...withLoad({ ordersMade: 0 }), sums: { ...withLoad({ ordersMade: 0 }).sums, ordersAtExchange: 0 } },
    ],
    ['a stream has a gap', withSums({ streams: { messages: 5, gaps: 1, returns: 4 } })],
    ['a step failed', { ...rehearsal, steps: steps.map((step) => ({ ...step, failure: 'shadow 0 %' })) }],
  ] as const) {
    it(`does not hold when ${what}`, () => {
      assert.equal(held(broken), false);
      assert.match(reportText(broken), /did not hold[\s\S]*\*\*(broken|failed)\*\*/);
    });
  }

  it('says nothing of orders where the users cannot count them', () => {
    assert.equal(promisesOf(withLoad({ ordersMade: undefined }).sums).length, 3);
  });
});

describe('its story', () => {
  const shipped = join(import.meta.dirname, '..', '..', 'config', 'sandbox.yaml');
  const routes: readonly { readonly id: string }[] = parse(readFileSync(shipped, 'utf8')).routes;

  it('takes every shipped route from legacy to complete', () => {
    const ids = routes.map(({ id }) => id).sort();
    for (const step of [STORY[0], STORY.at(-1)]) assert.deepEqual([...(step?.routes ?? [])].sort(), ids);
  });

  it('runs by a configuration that the gateway takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-rehearsal-config-'));
    const address = '127.0.0.1:1';
    try {
      const addresses = { traffic: address, operator: address, legacy: address, new: address };
      const config = loadGatewayConfig(
        writeRehearsalConfig(writeGatewayConfig(shipped, folder, addresses), folder, '127.0.0.1:2'),
      );
      assert.equal(config.upstreams.new.url, 'http://127.0.0.1:2');
      const planned = config.routes.filter(({ plan }) => plan !== undefined).map(({ id }) => id);
      assert.equal(planned.length, 5);
      for (const { steps } of Object.values(config.plans)) assert.equal(steps.at(-1)?.stage, 'complete');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
