// Handing a transaction over: to all relays at once, or to an RPC endpoint. Sending the same one again is harmless, since the chain
// takes a signature once.
import type { Metrics } from '../../metrics.ts';
import type { HandedRecord } from '../../store/submission-items.ts';
import type { BundleStatus, Handed, Relay } from '../relays/relay.ts';
import type { RpcClient } from '../rpc/client.ts';

export const DIRECT = 'direct';

export type Hand = {
  /** To every relay at once; one entry for each. Never rejects. */
  readonly relays: (transactions: readonly string[]) => Promise<readonly HandedRecord[]>;
  /** To an RPC endpoint. Never rejects. */
  readonly direct: (transaction: string) => Promise<readonly HandedRecord[]>;
  /** What a relay says of bundles, by receipt, in their order; undefined: it never says. */
  readonly statuses: (relay: string, receipts: readonly string[]) => Promise<readonly BundleStatus[]> | undefined;
};

const recordOf = (by: string, handed: Handed): HandedRecord => ({
  by,
  result: handed.kind,
  receipt: handed.kind === 'taken' ? handed.receipt : null,
  detail: handed.kind === 'taken' ? null : handed.detail,
});

/** `now` must be monotonic, ms. */
export function createHand(relays: readonly Relay[], rpc: RpcClient, metrics: Metrics, now: () => number): Hand {
  const byName = new Map(relays.map((relay) => [relay.name, relay]));

  async function timed(by: string, hand: () => Promise<Handed>): Promise<HandedRecord> {
    const startedAtMs = now();
    const handed = await hand();
    metrics.relaySeconds.observe({ relay: by, result: handed.kind }, (now() - startedAtMs) / 1000);
    return recordOf(by, handed);
  }

  async function sendDirectly(transaction: string): Promise<Handed> {
    // Simulated before it was stored; the node need not send it again by itself, we do.
    const options = { encoding: 'base64', skipPreflight: true, maxRetries: 0 };
    const call = { method: 'sendTransaction', params: [transaction, options] };
    const result = await rpc.calls([call], { hedge: false });
    if (result.kind === 'unavailable') return { kind: 'unclear', detail: result.detail.slice(0, 300) };
    const [answer] = result.answers;
    if (answer?.kind === 'error') return { kind: 'refused', detail: answer.message };
    return { kind: 'taken', receipt: null };
  }

  return {
    relays: (transactions) => Promise.all(relays.map((relay) => timed(relay.name, () => relay.hand(transactions)))),
    direct: async (transaction) => [await timed(DIRECT, () => sendDirectly(transaction))],
    statuses: (relay, receipts) => byName.get(relay)?.statuses?.(receipts),
  };
}
