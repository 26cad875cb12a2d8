// The thread on which the embedded ledger's file is read and written: one request after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts';

export type LedgerOperation = keyof SqliteStore;

export interface LedgerRequest {
  readonly id: number;
  readonly operation: LedgerOperation;
  readonly argument: unknown;
}

export type LedgerReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** The id of the message that says whether the file could be opened. */
export const OPENED = 0;

function serve(port: NonNullable<typeof parentPort>, file: string): void {
  const reply = (message: LedgerReply) => port.postMessage(message);
  const attempt = (id: number, work: () => unknown) => {
    try {
      reply({ id, value: work() });
    } catch (error) {
      reply({ id, error: (error as Error).message });
    }
  };
  attempt(OPENED, () => {
    const store = openSqliteStore(file);
    port.on('message', ({ id, operation, argument }: LedgerRequest) => {
      attempt(id, () => store[operation](argument as never));
      if (operation === 'close') port.close();
    });
  });
}

if (parentPort) serve(parentPort, String(workerData));
