// A client of /ws/trading as a test uses it: what it was told, each wait with a deadline.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually, within } from './deadline.ts';

// Tests assert on what is in it.
// biome-ignore lint/suspicious/noExplicitAny: the shape is what a test is about
export type Told = { readonly type: string; readonly data: any; readonly seq?: number; readonly id?: string };

export type TradingClient = {
  readonly told: readonly Told[];
  readonly socket: WebSocket;
  say(message: object): void;
  /** The first message so far, or from now on, that is wanted. */
  next(isWanted: (told: Told) => boolean, label: string): Promise<Told>;
  /** The close code, once it is closed. */
  readonly closed: Promise<number>;
  close(): void;
};

export async function openTradingClient(
  url: string,
  { protocols = [], headers = {} }: { protocols?: string[]; headers?: Record<string, string> } = {},
): Promise<TradingClient> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/trading`, protocols, { headers });
  const told: Told[] = [];
  socket.on('message', (data) => told.push(JSON.parse(String(data))));
  const closed = once(socket, 'close').then(([code]) => Number(code));
  closed.catch(() => {});
  await within(once(socket, 'open'), 'the WebSocket to open');
  socket.on('error', () => {});
  return {
    told,
    socket,
    say: (message) => socket.send(JSON.stringify(message)),
    next: (isWanted, label) => eventually(() => told.find(isWanted), label),
    closed,
    close: () => socket.terminate(),
  };
}
