// A few streams that stay open, as a frontend keeps them: closed by a flip, they come back and read on.
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { SYMBOLS } from './symbols.ts';

const SOCKETS = 2;
const FEEDS = 2;
const COME_BACK_MS = 500;

export interface StreamTraffic {
  /** Messages so far, gaps that were told of, and times that a stream came back. */
  counts(): { readonly messages: number; readonly gaps: number; readonly returns: number };
  stop(): Promise<void>;
}

export function createStreamTraffic(url: string): StreamTraffic {
  const counts = { messages: 0, gaps: 0, returns: 0 };
  const leaving = new AbortController();
  const { signal } = leaving;

  function take(text: string): string | undefined {
    const { type, id } = JSON.parse(text);
    if (type === 'gap') counts.gaps += 1;
    if (id !== undefined) counts.messages += 1;
    return id;
  }

  /** One after the other until told to stop. `open` resolves with the last id when its stream has ended, however that was. */
  async function keepOpen(open: (after: string | undefined) => Promise<string | undefined>): Promise<void> {
    let after: string | undefined;
    while (!signal.aborted) {
      after = (await open(after)) ?? after;
      if (signal.aborted) return;
      counts.returns += 1;
      await delay(COME_BACK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  function socketOf(token: string): (after: string | undefined) => Promise<string | undefined> {
    return (after) =>
      new Promise((resolve) => {
        let last: string | undefined;
        const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/trading`);
        const leave = () => socket.terminate();
        signal.addEventListener('abort', leave);
        socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', token, after })));
        socket.on('message', (bytes) => {
          last = take(String(bytes)) ?? last;
        });
        socket.on('error', () => {}); // 'close' follows.
        socket.on('close', () => {
          signal.removeEventListener('abort', leave);
          resolve(last);
        });
      });
  }

  function feedOf(path: string): (after: string | undefined) => Promise<string | undefined> {
    return async (after) => {
      let last: string | undefined;
      try {
        const headers = after === undefined ? {} : { 'last-event-id': after };
        const { body } = await request(`${url}${path}`, { headers, signal, bodyTimeout: 0 });
        let rest = '';
        for await (const chunk of body.setEncoding('utf8')) {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line.startsWith('data: ')) last = take(line.slice('data: '.length)) ?? last;
        }
      } catch {
        // It was cut, or it is time to leave; either way it comes back or not by the loop.
      }
      return last;
    };
  }

  const tokenOf = (i: number): string => SYMBOLS[i % SYMBOLS.length]?.symbol ?? '';
  const streams = [
    ...Array.from({ length: SOCKETS }, (_, i) => keepOpen(socketOf(tokenOf(i)))),
    ...Array.from({ length: FEEDS }, (_, i) => keepOpen(feedOf(`/api/sse/price/${tokenOf(i)}`))),
    keepOpen(feedOf('/api/sse/pulse?category=migrated')),
  ];
  return {
    counts: () => ({ ...counts }),
    async stop() {
      leaving.abort();
      await Promise.all(streams);
    },
  };
}
