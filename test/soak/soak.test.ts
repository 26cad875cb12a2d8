// A small part of `npm run soak`.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { growthOf, soak } from './soak.ts';

const SECONDS = 2_000;

describe('mirroring for long', () => {
  test('has an outcome for every request, and takes no more memory and no more of the ledger with time', async () => {
    const { requests, looks } = await soak({ seconds: SECONDS, requestsPerSecond: 1 });
    assert.equal(requests, SECONDS);
    const [heapMb, counters] = [growthOf(looks, (look) => look.heapMb), growthOf(looks, (look) => look.counters)];
    assert.ok(heapMb < 3, `${heapMb} MB of heap more: ${JSON.stringify(looks)}`);
    assert.ok(counters < 500, `${counters} counters more: ${JSON.stringify(looks)}`);
  });

  test('is seen to grow where something is kept of each request', async () => {
    const kept: Buffer[] = [];
    const onRequest = () => void kept.push(Buffer.alloc(65_536, 1));
    const { looks } = await soak({ seconds: 240, requestsPerSecond: 1, onRequest });
    assert.ok(growthOf(looks, (look) => look.heapMb) > 3, JSON.stringify(looks));
  });
});
