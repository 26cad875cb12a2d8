// Certificates of data jobs that bring writes to legacy.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ConfigError, parseGatewayConfig } from '../../../config/load-gateway.ts';
import { openSqliteLedger } from '../../../gateway/ledger/sqlite.ts';
import { createMetrics } from '../../../gateway/metrics.ts';
import { openChanges } from '../../../gateway/rollout/changes.ts';
import { createSettings } from '../../../gateway/settings.ts';
import { openKeptWrites } from '../../../gateway/writes/kept-writes.ts';
import { watchWayBack } from '../../../gateway/writes/way-back.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { aGatewayConfig, LEAST_CONFIG } from '../../helpers/gateway-config.ts';

const ROUTE = { id: 'orders', match: { methods: ['POST'], path: '/orders' }, writes: { wayBack: 'orders-back' } };
const LAST_WRITE_MS = Date.parse('2026-01-05T10:00:00.000Z');
const kept = closingAfterEach();

describe('the way back of writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-way-back-'));
  const certificates = join(folder, 'certificates');
  mkdirSync(certificates);
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function open(leads = true) {
    const nowMs = LAST_WRITE_MS + 3_600_000;
    const now = () => new Date(nowMs);
    const raised = (_: string, error: unknown) => assert.fail(error as Error);
    const ledger = await kept(openSqliteLedger(join(folder, `${Math.random()}.db`)));
    const changes = await openChanges({ ledger, instance: 'host:1', evidence: () => null, now, onProblem: raised });
    const config = aGatewayConfig({ certificates, routes: [ROUTE] });
    const health = { healthy: undefined, problem: undefined, stop() {} };
    const settings = await kept(createSettings(config, () => health));
    const writes = await kept(
      openKeptWrites({
        store: ledger.writes,
        metrics: createMetrics(),
        nowMs: () => nowMs,
        raised,
        changes: () => changes,
      }),
    );
    writes.tally.count('orders', 'order_id=1', LAST_WRITE_MS - 1_000);
    writes.tally.count('orders', 'order_id=2', LAST_WRITE_MS);
    const wayBack = await kept(watchWayBack({ settings, writes, leads: () => leads, now, raised }));
    return { ledger, writes, wayBack };
  }
  const certify = (change: object) => {
    const certificate = { job: 'orders-back', result: 'verified', at: '2026-01-05T10:01:00.000Z', ...change };
    writeFileSync(join(certificates, 'orders-back.json'), JSON.stringify(certificate));
  };

  it('that is certified after the last write leaves none that legacy lacks, and the audit log says by what', async () => {
    const { ledger, writes, wayBack } = await open();
    certify({});
    await wayBack.look();
    assert.deepEqual(writes.of('orders'), { count: 0, since: null, upTo: 2, keys: [] });
    const [entry] = await ledger.audit({ limit: 1 });
    assert.deepEqual(
      [entry?.action, entry?.actor, entry?.source, entry?.reason],
      [
        ...['acknowledge_writes', 'orders-back', 'certificate'],
        'legacy has got them, by the certificate of orders-back of 2026-01-05T10:01:00.000Z',
      ],
    );
    await wayBack.look();
    assert.equal((await ledger.audit({ limit: 10 })).length, 1, 'once');
  });

  it('that failed, is too old, or is another gateway’s to look at changes nothing', async () => {
    for (const change of [{ result: 'failed' }, { at: '2026-01-05T10:00:59.999Z' }, { job: 'other' }]) {
      const { writes, wayBack } = await open();
      certify(change);
      await wayBack.look();
      assert.equal(writes.of('orders').count, 2, JSON.stringify(change));
    }
    const { writes, wayBack } = await open(false);
    certify({});
    await wayBack.look();
    assert.equal(writes.of('orders').count, 2);
  });

  it('needs a folder of certificates', () => {
    assert.throws(
      () => parseGatewayConfig(JSON.stringify({ ...LEAST_CONFIG, routes: [ROUTE] }), 'banyan.yaml'),
      (error: unknown) =>
        error instanceof ConfigError && /routes\[0\]\.writes\.wayBack: needs a folder/.test(error.message),
    );
  });
});
