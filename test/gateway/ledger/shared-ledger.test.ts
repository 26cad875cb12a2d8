// A ledger that several gateways share, on a real Redis that goes away: what waits for it, what does not, and what is added.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { GatewayLedger } from '../../../gateway/ledger/ledger.ts';
import { isAnswer, openRedisLedger } from '../../../gateway/ledger/redis.ts';
import { openSharedLedger } from '../../../gateway/ledger/shared-ledger.ts';
import { auditEntry, override } from '../../contracts/ledger.ts';
import { eventually } from '../../helpers/deadline.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { startTcpCut, type TcpCut } from '../../helpers/tcp-cut.ts';

describe('a shared ledger that is away', () => {
  let folder: string;
  let redis: RedisServer;
  let wire: TcpCut;
  let ledger: GatewayLedger;
  const open = () =>
    openSharedLedger({
      openRemote: () => openRedisLedger(`redis://127.0.0.1:${wire.port}`),
      isAnswer,
      file: join(folder, 'journal'),
      lookMs: 50,
    });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-shared-'));
    redis = await startRedis();
    wire = await startTcpCut(Number(new URL(redis.url).port));
    ledger = await open();
    await ledger.overrides();
    wire.refuse();
  });
  afterEach(async () => {
    await ledger.close();
    await wire.close();
    await redis.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const isBack = () => eventually(async () => ledger.standing()?.away === undefined, 'the ledger to be back', 15_000);
  const batch = { source: 'one', sequence: 1, routes: [{ route: 'a.route', count: 2, keys: [] }] };

  it('has a rollback wait, and neither a plan nor an acknowledgement of writes, whose counts it cannot change', async () => {
    const forced = override('a.route');
    assert.equal(await ledger.commit({ scope: 'a.route', override: forced, audit: auditEntry() }), 1);
    for (const action of ['plan', 'acknowledge_writes'] as const) {
      const change = { scope: 'a.route', override: undefined, audit: auditEntry({ action }) };
      await assert.rejects(ledger.commit(change), /the ledger cannot be reached/);
    }
    assert.equal(ledger.standing()?.waiting, 1);
    wire.mend();
    await isBack();
    assert.deepEqual(await ledger.overrides(), [forced]);
    const entries = await ledger.audit({ limit: 10 });
    assert.deepEqual([entries.length, await ledger.auditHead()], [1, { id: 1, hash: entries[0]?.hash }]);
  });

  it('is begun with, and counts of writes are added once it is back', async () => {
    await assert.rejects(ledger.writes.add(batch), /the ledger cannot be reached/);
    await ledger.close();
    ledger = await open();
    assert.deepEqual(await ledger.writes.load(), []);
    wire.mend();
    await isBack();
    await ledger.writes.add(batch);
    assert.equal((await ledger.writes.load())[0]?.written, 2);
  });
});
