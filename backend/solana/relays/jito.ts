// Jito's block engine (docs.jito.wtf, low latency transaction send): always as a bundle, which lands whole or not at all.
import { z } from 'zod';
import { createLine, type LineOptions } from './line.ts';
import type { BundleStatus, Relay } from './relay.ts';
import { JITO_TIP } from './tips.ts';

const BUNDLE_MAX = 5;
const STATUSES_MAX = 5;

/** base58 is the default there, and deprecated. */
const BASE64 = { encoding: 'base64' } as const;

const rpcAnswer = z.object({
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
});
const inflight = z.object({
  value: z.array(z.object({ bundle_id: z.string(), status: z.string() }).nullable()).nullable(),
});

/** 'Invalid' is one it does not know, or no longer: it remembers five minutes. */
const STATUSES: Readonly<Record<string, BundleStatus>> = { Pending: 'pending', Failed: 'failed', Landed: 'landed' };

export function createJito(options: Omit<LineOptions, 'tokenHeader'>): Relay {
  const line = createLine({ ...options, tokenHeader: 'x-jito-auth' });
  let nextId = 1;

  async function call(path: string, method: string, params: readonly unknown[]) {
    const id = nextId;
    nextId = nextId >= 1e9 ? 1 : nextId + 1;
    return line.post(path, { jsonrpc: '2.0', id, method, params });
  }

  return {
    name: 'jito',
    tip: JITO_TIP,
    bundleMax: BUNDLE_MAX,
    async hand(transactions) {
      const answer = await call('/api/v1/bundles', 'sendBundle', [transactions, BASE64]);
      if (answer.kind !== 'answer') return answer;
      const { result, error } = rpcAnswer.safeParse(answer.body).data ?? {};
      if (typeof result === 'string') return { kind: 'taken', receipt: line.shown(result) };
      return { kind: 'refused', detail: line.shown(error?.message ?? `it answered ${answer.status}`) };
    },
    async statuses(receipts) {
      const asked = receipts.slice(0, STATUSES_MAX);
      const answer = await call('/api/v1/getInflightBundleStatuses', 'getInflightBundleStatuses', [asked]);
      const body = answer.kind === 'answer' ? rpcAnswer.safeParse(answer.body).data : undefined;
      const found = inflight.safeParse(body?.result).data?.value ?? [];
      const byId = new Map(found.flatMap((each) => (each ? [[each.bundle_id, each.status] as const] : [])));
      return receipts.map((receipt) => STATUSES[byId.get(receipt) ?? ''] ?? 'unknown');
    },
    close: line.close,
  };
}
