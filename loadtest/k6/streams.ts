// Streams as a frontend keeps them: WebSockets and event streams, held open; closed in order they come back.
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import { setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { SYMBOLS } from './journeys.ts';
import type { Settings } from './settings.ts';

const messages = new Counter('stream_messages');
/** Of all streams: those that did not open, said nothing, or were cut. */
const failed = new Rate('stream_failed');
const openMs = new Trend('stream_open_ms', true);

/** k6's code of a request that took longer than its timeout: how it leaves an event stream, whose text it keeps. */
const TIMED_OUT = 1050;
/** Closed by a flip or a restart (RFC 6455 section 7.4.1 and the IANA registry): come back. */
const COME_BACK = [1001, 1012];
const COME_BACK_MS = 500;

const symbolOfClient = (): string => SYMBOLS[exec.vu.idInTest % SYMBOLS.length] ?? SYMBOLS[0];

/** One WebSocket, until the time is over. */
export function holdSocket({ url, target, seconds }: Settings): void {
  const tags = { target, stream: 'socket' };
  const endsAt = Date.now() + seconds * 1000;
  const open = (): void => {
    const beganAt = Date.now();
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/trading`, null, { tags });
    let heard = 0;
    let leaving = false;
    socket.onopen = () => {
      openMs.add(Date.now() - beganAt, tags);
      socket.send(JSON.stringify({ type: 'subscribe', token: symbolOfClient() }));
      setTimeout(
        () => {
          leaving = true;
          socket.close(1000);
        },
        Math.max(1, endsAt - Date.now()),
      );
    };
    socket.onmessage = () => {
      heard += 1;
      messages.add(1, tags);
    };
    socket.onerror = (event) => {
      if (!leaving) console.error(`WebSocket: ${event?.error}`);
    };
    // k6 gives the code, which its types lack.
    socket.onclose = (event?: { readonly code?: number }) => {
      const moved = COME_BACK.includes(event?.code ?? 0);
      failed.add(heard === 0 || !(leaving || moved), tags);
      if (moved && !leaving && Date.now() < endsAt) setTimeout(open, COME_BACK_MS);
    };
  };
  open();
}

/** One event stream, until the time is over. */
export function holdEvents({ url, target, seconds }: Settings): void {
  const tags = { target, stream: 'events' };
  const endsAt = Date.now() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endsAt - Date.now()) {
    const response = http.get(`${url}/api/sse/price/${symbolOfClient()}`, {
      ...{ timeout: leftMs, responseType: 'text', tags },
    });
    const heard = String(response.body ?? '')
      .split('\n')
      .filter((line) => line.startsWith('data:')).length;
    const inOrder = response.status === 200 || response.error_code === TIMED_OUT;
    messages.add(heard, tags);
    failed.add(heard === 0 || !inOrder, tags);
    if (response.timings.waiting > 0) openMs.add(response.timings.waiting, tags);
    if (!inOrder || heard === 0) {
      console.error(`event stream: ${response.status || response.error}`);
      return;
    }
  }
}
