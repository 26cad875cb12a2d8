import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { createRpcClient } from '../../../backend/solana/rpc/client.ts';
import { createEndpoint } from '../../../backend/solana/rpc/endpoint.ts';
import { afterFailure, afterRound, NEW_HEALTH, orderOf } from '../../../backend/solana/rpc/health.ts';
import { createSolanaSimulator, type SolanaSimulator } from '../../sandbox/solana/server.ts';

let chain: SolanaSimulator;
before(async () => {
  chain = await createSolanaSimulator();
});
afterEach(() => chain.faults.clear());
after(() => chain.close());

function clientOf(endpoints: readonly string[], allowsBatches = true) {
  let hedges = 0;
  const now = () => performance.now();
  const rate = { count: 100_000, periodMs: 1000 };
  const client = createRpcClient({
    endpoints: endpoints.map((name) => createEndpoint({ url: `${chain.url}/rpc/${name}`, rate, now })),
    timeoutMs: 2000,
    allowsBatches,
    now,
    hooks: { onCall() {}, onHedge: () => void hedges++ },
  });
  return { client, hedges: () => hedges };
}
const SLOT = { method: 'getSlot', params: [] } as const;

describe('several RPC endpoints', () => {
  it('a slow first one, then a second is asked as well and answers', async () => {
    chain.faults.set({ endpoint: 'slow', latencyMs: 1500 });
    const { client, hedges } = clientOf(['slow', 'quick']);
    const result = await client.calls([SLOT]);
    assert.deepEqual([result.kind, hedges(), chain.calls('getSlot', 'quick')], ['answers', 1, 1]);
    await client.close();
  });

  it('a slow first one and no hedging, then nobody else is asked', async () => {
    chain.faults.set({ endpoint: 'slow2', latencyMs: 300 });
    const { client, hedges } = clientOf(['slow2', 'idle']);
    const result = await client.calls([SLOT], { hedge: false });
    assert.deepEqual([result.kind, hedges(), chain.calls('getSlot', 'idle')], ['answers', 0, 0]);
    await client.close();
  });

  it('ten slow reads in a row use up what hedging saved; the next waits for its endpoint', async () => {
    for (const endpoint of ['late', 'later']) chain.faults.set({ endpoint, latencyMs: 250 });
    const { client, hedges } = clientOf(['late', 'later']);
    await Promise.all(Array.from({ length: 30 }, () => client.calls([SLOT])));
    assert.ok(hedges() >= 10 && hedges() <= 13, String(hedges()));
    await client.close();
  });

  it('an error that is the request’s own is answered, and no other endpoint asked', async () => {
    const { client } = clientOf(['own', 'other']);
    const result = await client.calls([{ method: 'getBalance', params: ['nobody'] }]);
    assert.deepEqual(result, {
      kind: 'answers',
      answers: [{ kind: 'error', code: -32602, message: 'Invalid param: WrongSize', data: undefined }],
    });
    assert.equal(chain.calls('getBalance', 'other'), 0);
    await client.close();
  });

  for (const allowsBatches of [true, false]) {
    it(`calls that go together, batches ${allowsBatches ? 'allowed' : 'not allowed'}, are answered in their order`, async () => {
      const { client } = clientOf(['c'], allowsBatches);
      const result = await client.calls([
        SLOT,
        { method: 'getNothing', params: [] },
        { method: 'getHealth', params: [] },
      ]);
      assert.equal(result.kind, 'answers');
      const kinds = result.kind === 'answers' ? result.answers.map((answer) => answer.kind) : [];
      assert.deepEqual(kinds, ['result', 'error', 'result']);
      await client.close();
    });
  }
});

describe('the order of endpoints', () => {
  it('puts one that is 100 slots behind after one that is slower', () => {
    const slow = { ...NEW_HEALTH, latencyMs: 400 };
    assert.deepEqual(orderOf(afterRound([NEW_HEALTH, slow], [900, 1000]), 0), [1, 0]);
    assert.deepEqual(orderOf(afterRound([NEW_HEALTH, slow], [997, 1000]), 0), [0, 1]);
  });

  it('leaves one alone that failed three times, for longer each time and never for ever', () => {
    let health = NEW_HEALTH;
    const rests: number[] = [];
    for (let failures = 0; failures < 12; failures++) {
      health = afterFailure(health, 0);
      rests.push(health.restsUntilMs);
    }
    assert.deepEqual(rests, [0, 0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
    assert.deepEqual(orderOf([health, { ...NEW_HEALTH, latencyMs: 5000 }], 1), [1, 0]);
  });

  it('leaves one alone for as long as it asked', () => {
    assert.equal(afterFailure(NEW_HEALTH, 1000, 5000).restsUntilMs, 6000);
  });
});
