// Submitting on a chain and relays in this process, with a store in memory and a clock that the test moves.

import { createMetrics } from '../../backend/metrics.ts';
import { createFollower } from '../../backend/solana/execution/follower.ts';
import { createHand } from '../../backend/solana/execution/hand.ts';
import { createSubmissions, type SubmissionDeps } from '../../backend/solana/execution/submissions.ts';
import { createBloxroute } from '../../backend/solana/relays/bloxroute.ts';
import { createJito } from '../../backend/solana/relays/jito.ts';
import { createNextblock } from '../../backend/solana/relays/nextblock.ts';
import { createRpcClient } from '../../backend/solana/rpc/client.ts';
import { createEndpoint } from '../../backend/solana/rpc/endpoint.ts';
import { createMemoryStore } from '../../backend/store/memory.ts';
import type { Store } from '../../backend/store/store.ts';
import { createLogger } from '../../config/log.ts';
import { createRelaysSimulator } from '../sandbox/relays/server.ts';
import { createSolanaSimulator } from '../sandbox/solana/server.ts';

const MANY = { count: 1_000_000, periodMs: 1000 };

/** The chain's slots and the store's time are those of `clock`. */
export async function executionWorld() {
  const clock = { nowMs: Date.parse('2026-01-05T10:00:00.000Z') };
  const now = () => clock.nowMs;
  const chain = await createSolanaSimulator({ now });
  const limits = { jito: 1_000_000, bloxroute: 1_000_000, nextblock: 1_000_000 };
  const relays = await createRelaysSimulator({ rpcUrl: `${chain.url}/rpc/relays`, limits });
  const monotonic = () => performance.now();
  const rpc = createRpcClient({
    endpoints: ['a', 'b'].map((name) =>
      createEndpoint({ url: `${chain.url}/rpc/${name}`, rate: MANY, now: monotonic }),
    ),
    timeoutMs: 5000,
    allowsBatches: true,
    now: monotonic,
    hooks: { onCall() {}, onHedge() {} },
  });
  const line = { token: undefined, limit: MANY, timeoutMs: 1000, now: () => performance.now() };
  const clients = [
    createJito({ ...line, url: `${relays.url}/jito` }),
    createBloxroute({ ...line, url: `${relays.url}/bloxroute` }),
    createNextblock({ ...line, url: `${relays.url}/nextblock` }),
  ];
  const metrics = createMetrics();
  const log = createLogger({ name: 'test', level: 'silent' });
  const store: Store = createMemoryStore(now);
  const hand = createHand(clients, rpc, metrics, monotonic);

  /** One process's part; another one on the same store is the same process after a crash. */
  function instance(given: Partial<SubmissionDeps> = {}) {
    const deps = { store, rpc, hand, denied: async () => undefined, now, metrics, log, ...given };
    const submissions = createSubmissions({ ...deps, onSubmission: (each) => follower.wake(each) });
    const follower = createFollower(deps, submissions);
    return { submissions, follower };
  }

  return {
    clock,
    chain,
    relays,
    rpc,
    store,
    hand,
    metrics,
    instance,
    async close() {
      await Promise.all([rpc.close(), ...clients.map((client) => client.close())]);
      await relays.close();
      await chain.close();
    },
  };
}
