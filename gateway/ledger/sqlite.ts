// The embedded ledger: one SQLite file beside the gateway, behind a thread of its own.
import { Worker } from 'node:worker_threads';
import type { GatewayLedger } from './ledger.ts';
import { createLocalFlips } from './local-flips.ts';
import { type LedgerOperation, type LedgerReply, OPENED } from './sqlite-worker.ts';

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** Opens the ledger in `file`, made when missing. @throws when it cannot be opened or is of another layout. */
export async function openSqliteLedger(file: string): Promise<GatewayLedger> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: file, execArgv: [] });
  const waiting = new Map<number, Waiting>(); // As many as operators' calls under way.
  let lastId = OPENED;
  let ended: Error | undefined;

  worker.on('message', (reply: LedgerReply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) call?.reject(new Error(reply.error));
    else call?.resolve(reply.value as never);
  });
  const end = (error: Error) => {
    ended = error;
    for (const call of waiting.values()) call.reject(error);
    waiting.clear();
  };
  worker.on('error', (error) =>
    end(new Error(`the ledger's thread failed: ${(error as Error).message}`, { cause: error })),
  );
  worker.on('exit', () => end(ended ?? new Error('the ledger is closed')));

  const answerTo = <T>(id: number) =>
    new Promise<T>((resolve, reject) => {
      if (ended) reject(ended);
      else waiting.set(id, { resolve, reject });
    });
  const call = <T>(operation: LedgerOperation, argument?: unknown): Promise<T> => {
    const id = ++lastId;
    const answer = answerTo<T>(id);
    if (!ended) worker.postMessage({ id, operation, argument });
    return answer;
  };

  try {
    await answerTo(OPENED);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    overrides: () => call('overrides'),
    rules: () => call('rules'),
    revisions: () => call('revisions'),
    commit: (change) => call('commit', change),
    recordMove: (change, move) => call('recordMove', { change, move }),
    lastMoves: () => call('lastMoves'),
    audit: (query) => call('audit', query),
    auditAfter: (page) => call('auditAfter', page),
    auditHead: () => call('auditHead'),
    evidence: {
      load: () => call('loadEvidence'),
      add: (batch) => call('addEvidence', batch),
      changed: async () => [],
      prune: (limits) => call('pruneEvidence', limits),
    },
    ids: {
      load: () => call('loadIds'),
      save: (changes, pairsMax) => call('saveIds', { changes, pairsMax }),
    },
    plans: {
      list: () => call('listPlans'),
      put: (change) => call('putPlan', change),
      lead: (holder) => call('leadPlans', holder),
      resign: async () => {},
    },
    writes: {
      load: () => call('loadWrites'),
      add: (batch) => call('addWrites', batch),
      acknowledge: (route, upTo) => call('acknowledgeWrites', { route, upTo }),
    },
    flips: createLocalFlips(Date.now),
    standing: () => undefined,
    async close() {
      if (!ended) await call('close');
      await worker.terminate();
    },
  };
}
