// The key of an account's private stream: made when it is needed, kept alive, made anew when it was lost, removed at the end.
import { z } from 'zod';
import { isOk } from './mexc-answers.ts';
import type { Call, SignedCall } from './mexc-connection.ts';

/** A key lives an hour after it was last kept alive; half of it leaves room for failures. */
const KEEP_ALIVE_EVERY_MS = 30 * 60_000;
const RETRY_EVERY_MS = 60_000;
const LIFE_MS = 60 * 60_000;

const made = z.object({ listenKey: z.string().min(1).max(512) });
const listed = z.object({ listenKey: z.array(z.string().min(1).max(512)) });

export type ListenKey = {
  /** A key that is alive as far as we know. Rejects when the exchange gives none. */
  readonly obtain: () => Promise<string>;
  /** The key is no good, whoever noticed: the next `obtain` makes another. */
  readonly discard: () => void;
  /** Removes the key at the exchange, as far as that works: keys are limited to 60 an account. */
  readonly close: () => Promise<void>;
};

export type ListenKeyOptions = {
  readonly call: SignedCall;
  /** The key ended before its time: a stream opened with it is deaf. */
  readonly onLost: (reason: string) => void;
  readonly keepAliveEveryMs?: number;
};

const detailOf = (call: Call) => (call.kind === 'answer' ? `HTTP ${call.answer.status}` : call.detail);
const bodyOf = (call: Call) => (call.kind === 'answer' && isOk(call.answer) ? call.answer.body : undefined);

export function createListenKey({ call, onLost, keepAliveEveryMs = KEEP_ALIVE_EVERY_MS }: ListenKeyOptions): ListenKey {
  let key: string | undefined;
  let aliveAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let asking: Promise<string> | undefined;

  function discard(): void {
    clearTimeout(timer);
    key = undefined;
  }

  function keptAlive(): void {
    aliveAtMs = performance.now();
    plan(keepAliveEveryMs);
  }

  function plan(inMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void keepAlive(), inMs);
    timer.unref();
  }

  async function keepAlive(): Promise<void> {
    const current = key;
    if (current === undefined) return;
    const answer = await call('PUT userDataStream', { listenKey: current });
    if (key !== current) return; // Discarded meanwhile.
    if (bodyOf(answer) !== undefined) return keptAlive();
    const isRefused = answer.kind === 'answer' && answer.answer.status < 500;
    const isOver = performance.now() - aliveAtMs > LIFE_MS;
    if (!isRefused && !isOver) return plan(Math.min(RETRY_EVERY_MS, keepAliveEveryMs));
    discard();
    onLost(`the listen key could not be kept alive: ${detailOf(answer)}`);
  }

  /** At the limit of keys, one that an earlier life left behind serves as well. */
  async function make(): Promise<string> {
    const answer = await call('POST userDataStream', {});
    const fresh = made.safeParse(bodyOf(answer)).data?.listenKey;
    const found = fresh ?? listed.safeParse(bodyOf(await call('GET userDataStream', {}))).data?.listenKey.at(-1);
    if (found === undefined) throw new Error(`the exchange gave no listen key: ${detailOf(answer)}`);
    key = found;
    keptAlive();
    return found;
  }

  return {
    async obtain() {
      if (key !== undefined) return key;
      asking ??= make().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    discard,
    async close() {
      const current = key;
      discard();
      if (current !== undefined) await call('DELETE userDataStream', { listenKey: current });
    },
  };
}
