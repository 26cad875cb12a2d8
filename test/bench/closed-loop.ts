// Requests over plain connections, each asked when the one before it was answered: for answers that must be whole and of a good status.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly wrong: number;
}

/** Sends one request and resolves with the status of its whole answer. */
function exchangeOver(socket: Socket): (request: Buffer) => Promise<number> {
  let text = '';
  let resolve: (status: number) => void = () => {};
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? 0);
    if (text.length < end + 4 + length) return;
    const status = Number(text.slice(9, 12));
    text = '';
    resolve(status);
  });
  socket.on('close', () => resolve(0));
  return (request) =>
    new Promise((settle) => {
      resolve = settle;
      socket.write(request);
    });
}

/** A closed loop over `connections` for `seconds`, or `most` requests. */
export async function drive(
  address: string,
  requests: readonly Buffer[],
  { connections, seconds, most }: { connections: number; seconds: number; most: number },
): Promise<Measured> {
  const [host = '', port = ''] = address.split(':');
  const tookMs: number[] = [];
  let [sent, wrong] = [0, 0];
  const beganMs = performance.now();
  const endsMs = beganMs + seconds * 1000;
  async function loop(): Promise<void> {
    const socket = connect(Number(port), host);
    socket.on('error', () => {}); // 'close' follows, and counts as a wrong answer.
    await once(socket, 'connect');
    socket.setNoDelay(true);
    const ask = exchangeOver(socket);
    while (performance.now() < endsMs && sent < most) {
      const request = requests[sent % requests.length];
      if (!request) break;
      sent += 1;
      const startedMs = performance.now();
      const status = await ask(request);
      tookMs.push(performance.now() - startedMs);
      if (status !== 200 && status !== 201) wrong += 1;
      if (status === 0) break;
    }
    socket.destroy();
  }
  await Promise.all(Array.from({ length: connections }, loop));
  const elapsedMs = performance.now() - beganMs;
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN;
  return { perSecond: (tookMs.length / elapsedMs) * 1000, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), wrong };
}
