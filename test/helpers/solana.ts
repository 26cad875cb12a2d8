// The backend's Solana part on a chain in this process.
import { createMetrics } from '../../backend/metrics.ts';
import { createSolana } from '../../backend/solana/solana.ts';
import type { SolanaSettings } from '../../config/backend.ts';
import type { SolanaSimulator } from '../sandbox/solana/server.ts';
import { type Given, testBackend } from './backend.ts';

/** `endpoints` are names of the chain's RPC endpoints, each with faults of its own. */
export function solanaBackend(
  chain: SolanaSimulator,
  given: Partial<SolanaSettings> = {},
  endpoints = ['a', 'b'],
  others: Given = {},
) {
  const settings: SolanaSettings = {
    rpcUrls: endpoints.map((name) => `${chain.url}/rpc/${name}`),
    rpcLimit: { count: 100_000, periodMs: 1000 },
    rpcBatches: true,
    timeoutMs: 2000,
    probeWallet: chain.chain.users[7]?.address,
    jupiterUrl: `${chain.url}/jupiter`,
    jupiterKey: undefined,
    raydiumUrl: `${chain.url}/raydium`,
    relays: {},
    ...given,
  };
  const now = () => backend.clock.nowMs;
  const metrics = createMetrics();
  const solana = createSolana({ settings, redisUrl: undefined, metrics, now, raised() {} });
  const backend = testBackend({ ...others, solana });
  return { ...backend, solana, solanaMetrics: metrics };
}
